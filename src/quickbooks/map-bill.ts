import type { Bill } from '../domain/bill.ts'
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

/** Intuit's Bill. */
export function mapBill(payload: JsonObject, { homeCurrency }: Mapping): Bill {
  const vendor = refField(payload, 'VendorRef')
  return {
    vendorId: vendor.value,
    vendorName: vendor.name,
    docNumber: textField(payload, 'DocNumber'),
    txnDate: requiredDate(payload, 'TxnDate'),
    dueDate: dateField(payload, 'DueDate'),
    currency: refField(payload, 'CurrencyRef').value ?? homeCurrency,
    exchangeRate: amountField(payload, 'ExchangeRate'),
    totalAmount: requiredAmount(payload, 'TotalAmt'),
    balance: requiredAmount(payload, 'Balance'),
    homeBalance: amountField(payload, 'HomeBalance'),
    apAccountId: refField(payload, 'APAccountRef').value,
    privateNote: textField(payload, 'PrivateNote'),
  }
}
