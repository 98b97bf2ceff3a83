import type { CompanyState } from './company-state.ts'
import { currencyRef } from './currencies.ts'
import { addDays, pacificDate, pacificSecond } from './pacific-time.ts'

/** CompanyInfo and Preferences never change here; neither is paged, and neither is in CDC. */

export function companyInfoText({ spec, createdMs }: CompanyState): string {
  return JSON.stringify({
    domain: 'QBO',
    sparse: false,
    Id: '1',
    SyncToken: '4',
    MetaData: { CreateTime: pacificSecond(createdMs), LastUpdatedTime: pacificSecond(createdMs) },
    CompanyName: spec.name,
    LegalName: spec.name,
    CompanyAddr: { Id: '1', Line1: '1 Example Street', City: 'Sampletown', Country: spec.country },
    CompanyStartDate: addDays(pacificDate(createdMs), -730),
    FiscalYearStartMonth: 'January',
    Country: spec.country,
    SupportedLanguages: 'en',
    NameValue: [
      { Name: 'SubscriptionStatus', Value: 'SUBSCRIBED' },
      { Name: 'OfferingSku', Value: 'QuickBooks Online Plus' },
      { Name: 'CompanyType', Value: 'Other' },
      { Name: 'IsQbdtMigrated', Value: 'false' },
    ],
  })
}

export function preferencesText({ spec, createdMs }: CompanyState): string {
  return JSON.stringify({
    domain: 'QBO',
    sparse: false,
    Id: '1',
    SyncToken: '2',
    MetaData: { CreateTime: pacificSecond(createdMs), LastUpdatedTime: pacificSecond(createdMs) },
    AccountingInfoPrefs: { UseAccountNumbers: true, CustomerTerminology: 'Customers' },
    CurrencyPrefs: { MultiCurrencyEnabled: spec.multiCurrency, HomeCurrency: currencyRef(spec.homeCurrency) },
  })
}
