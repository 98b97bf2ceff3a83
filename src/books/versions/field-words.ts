import type { Kind } from './change-words.ts'

/** The words for one field, wherever the record has it; `at` are the steps to it in `shownContent`. */
export interface FieldWords {
  readonly at: readonly string[]
  readonly words: string
  readonly kind: Kind
}

const EMAIL_STATES: Kind = {
  states: {
    NotSet: 'no longer marked to be e-mailed',
    NeedToSend: 'marked to be e-mailed',
    EmailSent: 'sent by e-mail',
  },
}

const PRINT_STATES: Kind = {
  states: {
    NotSet: 'no longer marked to be printed',
    NeedToPrint: 'marked to be printed',
    PrintComplete: 'printed',
  },
}

const TAX_STATES: Kind = {
  states: {
    TaxExcluded: 'amounts now without tax',
    TaxInclusive: 'amounts now with tax included',
    NotApplicable: 'tax no longer applies',
  },
}

/**
 * The fields of Intuit's entity reference in a bookkeeper's words. They are described in this order: what moves money
 * or its date, what the record is filed under, how it is sent, the notes on it.
 */
export const FIELD_WORDS: readonly FieldWords[] = [
  field('dueDate', 'due date', 'day'),
  field('txnDate', 'date', 'day'),
  field('currentBalance', 'balance', 'amount'),
  field('currency', 'currency', 'name'),
  field('exchangeRate', 'exchange rate', 'number'),
  field('docNumber', 'number', 'name'),
  field('active', 'active', { turns: ['made active again', 'made inactive'] }),
  field('companyName', 'company name', 'name'),
  field('accountType', 'account type', 'name'),
  field('accountSubType', 'detail type', 'word'),
  field('classification', 'classification', 'name'),

  detail('VendorPaymentBankDetail', 'bank details', 'whole'),
  detail('TxnTaxDetail.TotalTax', 'tax', 'amount'),
  detail('TxnTaxDetail', 'tax details', 'whole'),
  detail('Deposit', 'deposit', 'amount'),
  detail('DiscountAmt', 'discount', 'amount'),
  detail('DiscountRate', 'discount rate', 'number'),
  detail('GlobalTaxCalculation', 'tax calculation', TAX_STATES),
  detail('ApplyTaxAfterDiscount', 'tax after discount', {
    turns: ['tax now after the discount', 'tax now before the discount'],
  }),
  detail('TaxExemptionRef', 'tax exemption', 'name'),
  detail('HomeTotalAmt', 'home amount', 'number'),
  detail('HomeBalance', 'home balance', 'number'),

  detail('SalesTermRef', 'terms', 'name'),
  detail('TermRef', 'terms', 'name'),
  detail('APAccountRef', 'payable account', 'name'),
  detail('ARAccountRef', 'receivable account', 'name'),
  detail('DepositToAccountRef', 'deposit account', 'name'),
  detail('DepartmentRef', 'location', 'name'),
  detail('ClassRef', 'class', 'name'),
  detail('ProjectRef', 'project', 'name'),
  detail('PaymentMethodRef', 'payment method', 'name'),
  detail('PaymentType', 'payment type', 'word'),
  detail('TransactionLocationType', 'place of supply', 'word'),
  detail('PONumber', 'purchase order number', 'name'),
  detail('RecurDataRef', 'recurring template', 'name'),
  detail('TaxCodeRef', 'tax code', 'name'),
  detail('DefaultTaxCodeRef', 'default tax code', 'name'),
  detail('CustomerTypeRef', 'customer type', 'name'),
  detail('ParentRef', 'parent', 'name'),
  detail('SubAccount', 'sub-account', { turns: ['made a sub-account', 'no longer a sub-account'] }),
  detail('Job', 'job', { turns: ['made a sub-customer', 'no longer a sub-customer'] }),
  detail('IsProject', 'project', { turns: ['made a project', 'no longer a project'] }),
  detail('BillWithParent', 'bill with parent', {
    turns: ['now billed with its parent', 'no longer billed with its parent'],
  }),
  detail('AcctNum', 'account number', 'name'),
  detail('Taxable', 'taxable', { turns: ['now taxable', 'no longer taxable'] }),
  detail('ResaleNum', 'resale number', 'name'),
  detail('Vendor1099', '1099', { turns: ['now tracked for 1099', 'no longer tracked for 1099'] }),
  // Tax identification numbers stay out of sentences.
  detail('TaxIdentifier', 'tax number', 'whole'),
  detail('PrimaryTaxIdentifier', 'tax number', 'whole'),
  detail('SecondaryTaxIdentifier', 'second tax number', 'whole'),
  detail('BusinessNumber', 'business number', 'whole'),
  detail('GSTIN', 'GST number', 'whole'),
  detail('GSTRegistrationType', 'GST registration', 'word'),
  detail('BillRate', 'billing rate', 'number'),
  detail('CostRate', 'cost rate', 'number'),
  detail('CreditLimit', 'credit limit', 'amount'),
  detail('OpenBalanceDate', 'opening balance date', 'day'),
  detail('BankNum', 'bank account number', 'whole'),

  field('emailStatus', 'e-mail status', EMAIL_STATES),
  detail('EmailStatus', 'e-mail status', EMAIL_STATES),
  detail('PrintStatus', 'print status', PRINT_STATES),
  detail('DeliveryInfo', 'delivery record', 'whole'),
  detail('PreferredDeliveryMethod', 'delivery method', 'word'),
  detail('BillEmail.Address', 'e-mail address', 'name'),
  detail('BillEmailCc.Address', 'copy (Cc) address', 'name'),
  detail('BillEmailBcc.Address', 'blind copy (Bcc) address', 'name'),
  detail('PrimaryEmailAddr.Address', 'e-mail address', 'name'),
  detail('BillEmail', 'e-mail address', 'whole'),
  detail('BillEmailCc', 'copy (Cc) address', 'whole'),
  detail('BillEmailBcc', 'blind copy (Bcc) address', 'whole'),
  detail('PrimaryEmailAddr', 'e-mail address', 'whole'),
  detail('BillAddr', 'billing address', 'whole'),
  detail('ShipAddr', 'shipping address', 'whole'),
  detail('ShipFromAddr', 'ship-from address', 'whole'),
  detail('VendorAddr', 'vendor address', 'whole'),
  detail('RemitToAddr', 'remittance address', 'whole'),
  detail('OtherAddr', 'other address', 'whole'),
  detail('ShipDate', 'shipping date', 'day'),
  detail('ShipMethodRef', 'shipping method', 'name'),
  detail('TrackingNum', 'tracking number', 'name'),
  detail('InvoiceLink', 'payment link', 'whole'),
  detail('EInvoiceStatus', 'e-invoice status', 'word'),
  detail('AllowOnlinePayment', 'online payment', {
    turns: ['online payment allowed', 'online payment turned off'],
  }),
  detail('AllowIPNPayment', 'payment by Intuit network', {
    turns: ['payment by Intuit network allowed', 'payment by Intuit network turned off'],
  }),
  detail('AllowOnlineCreditCardPayment', 'online card payment', {
    turns: ['online card payment allowed', 'online card payment turned off'],
  }),
  detail('AllowOnlineACHPayment', 'online bank payment', {
    turns: ['online bank payment allowed', 'online bank payment turned off'],
  }),
  detail('AllowOnlinePayPalPayment', 'PayPal payment', {
    turns: ['PayPal payment allowed', 'PayPal payment turned off'],
  }),
  detail('PrimaryPhone', 'phone number', 'whole'),
  detail('AlternatePhone', 'other phone number', 'whole'),
  detail('Mobile', 'mobile number', 'whole'),
  detail('Fax', 'fax number', 'whole'),
  detail('WebAddr', 'website', 'whole'),
  detail('Title', 'title', 'name'),
  detail('GivenName', 'first name', 'name'),
  detail('MiddleName', 'middle name', 'name'),
  detail('FamilyName', 'last name', 'name'),
  detail('Suffix', 'name suffix', 'name'),
  detail('PrintOnCheckName', 'name on checks', 'name'),

  detail('CustomerMemo', 'message to the customer', 'text'),
  detail('PrivateNote', 'memo', 'text'),
  detail('Description', 'description', 'text'),
  detail('Notes', 'notes', 'text'),
]

/** The fields of a line, by their own name: each is in the detail object of its kind of line. */
export const LINE_WORDS: Readonly<Record<string, Omit<FieldWords, 'at'>>> = {
  Amount: { words: 'amount', kind: 'amount' },
  ItemRef: { words: 'item', kind: 'name' },
  Qty: { words: 'quantity', kind: 'number' },
  UnitPrice: { words: 'rate', kind: 'number' },
  RatePercent: { words: 'rate', kind: 'number' },
  DiscountPercent: { words: 'discount rate', kind: 'number' },
  DiscountRate: { words: 'discount rate', kind: 'number' },
  DiscountAmt: { words: 'discount', kind: 'amount' },
  DiscountAccountRef: { words: 'discount account', kind: 'name' },
  ItemAccountRef: { words: 'account', kind: 'name' },
  ClassRef: { words: 'class', kind: 'name' },
  DepartmentRef: { words: 'location', kind: 'name' },
  CustomerRef: { words: 'customer', kind: 'name' },
  ProjectRef: { words: 'project', kind: 'name' },
  TaxCodeRef: { words: 'tax code', kind: 'name' },
  TaxAmount: { words: 'tax', kind: 'amount' },
  TaxInclusiveAmt: { words: 'amount with tax', kind: 'amount' },
  PriceLevelRef: { words: 'price level', kind: 'name' },
  ServiceDate: { words: 'service date', kind: 'day' },
  BillableStatus: {
    words: 'billable status',
    kind: {
      states: {
        Billable: 'made billable',
        NotBillable: 'no longer billable',
        HasBeenBilled: 'billed to the customer',
      },
    },
  },
  MarkupInfo: { words: 'markup', kind: 'whole' },
  Description: { words: 'description', kind: 'text' },
  DetailType: { words: 'kind', kind: 'whole' },
}

function field(name: string, words: string, kind: Kind): FieldWords {
  return { at: [name], words, kind }
}

function detail(path: string, words: string, kind: Kind): FieldWords {
  return { at: ['details', ...path.split('.')], words, kind }
}
