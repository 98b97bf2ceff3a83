import type { Invoice } from '../domain/invoice.ts'
import type { Mapping } from './mapping.ts'
import type { JsonObject } from '../domain/parse-json.ts'
import {
  amountField,
  dateField,
  refField,
  requiredAmount,
  requiredDate,
  textField,
} from './payload-fields.ts'

/**
 * Intuit's Invoice. A voided one has no status: its amounts are zero and its note begins with "Voided" (unless the
 * company uses another language or the note was edited).
 */
export function mapInvoice(payload: JsonObject, { homeCurrency }: Mapping): Invoice {
  const customer = refField(payload, 'CustomerRef')
  const totalAmount = requiredAmount(payload, 'TotalAmt')
  const balance = requiredAmount(payload, 'Balance')
  const privateNote = textField(payload, 'PrivateNote')
  return {
    customerId: customer.value,
    customerName: customer.name,
    docNumber: textField(payload, 'DocNumber'),
    txnDate: requiredDate(payload, 'TxnDate'),
    dueDate: dateField(payload, 'DueDate'),
    currency: refField(payload, 'CurrencyRef').value ?? homeCurrency,
    exchangeRate: amountField(payload, 'ExchangeRate'),
    totalAmount,
    balance,
    homeTotalAmount: amountField(payload, 'HomeTotalAmt'),
    homeBalance: amountField(payload, 'HomeBalance'),
    emailStatus: textField(payload, 'EmailStatus'),
    privateNote,
    voided: totalAmount === '0' && balance === '0' && (privateNote?.startsWith('Voided') ?? false),
  }
}
