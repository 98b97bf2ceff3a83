import type { Balance } from '../domain/balance.ts'
import type { Mapping } from './mapping.ts'
import type { JsonObject } from '../domain/parse-json.ts'
import { activeField, amountField, refField, requiredText, textField } from './payload-fields.ts'

/** Intuit's Account. Its balances are the current ones; QuickBooks moves LastUpdatedTime with them. */
export function mapBalance(payload: JsonObject, { homeCurrency }: Mapping): Balance {
  return {
    accountName: requiredText(payload, 'Name'),
    fullyQualifiedName: textField(payload, 'FullyQualifiedName'),
    accountType: textField(payload, 'AccountType'),
    accountSubType: textField(payload, 'AccountSubType'),
    classification: textField(payload, 'Classification'),
    currency: refField(payload, 'CurrencyRef').value ?? homeCurrency,
    currentBalance: amountField(payload, 'CurrentBalance'),
    currentBalanceWithSubAccounts: amountField(payload, 'CurrentBalanceWithSubAccounts'),
    parentId: refField(payload, 'ParentRef').value,
    active: activeField(payload),
  }
}
