import type { Customer } from '../domain/party.ts'
import type { Mapping } from './mapping.ts'
import type { JsonObject } from '../domain/parse-json.ts'
import { activeField, refField, requiredText, textField } from './payload-fields.ts'

/** Intuit's Customer; a sub-customer or job names its parent. */
export function mapCustomer(payload: JsonObject, { homeCurrency }: Mapping): Customer {
  return {
    displayName: requiredText(payload, 'DisplayName'),
    fullyQualifiedName: textField(payload, 'FullyQualifiedName'),
    parentId: refField(payload, 'ParentRef').value,
    currency: refField(payload, 'CurrencyRef').value ?? homeCurrency,
    active: activeField(payload),
  }
}
