import type { Vendor } from '../domain/party.ts'
import type { Mapping } from './mapping.ts'
import type { JsonObject } from '../domain/parse-json.ts'
import { activeField, refField, requiredText, textField } from './payload-fields.ts'

/** Intuit's Vendor. */
export function mapVendor(payload: JsonObject, { homeCurrency }: Mapping): Vendor {
  return {
    displayName: requiredText(payload, 'DisplayName'),
    companyName: textField(payload, 'CompanyName'),
    currency: refField(payload, 'CurrencyRef').value ?? homeCurrency,
    active: activeField(payload),
  }
}
