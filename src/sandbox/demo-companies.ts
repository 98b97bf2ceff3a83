import type { CompanySpec } from './company-state.ts'

/** Five companies as one accountant might look after: of quite different sizes, in three currencies. */
export const DEMO_COMPANIES: CompanySpec[] = [
  {
    realmId: '4620816300000000001',
    name: 'Alder & Finch Design',
    records: 150,
    homeCurrency: 'USD',
    multiCurrency: false,
    country: 'USA',
    lively: true,
  },
  {
    realmId: '4620816300000000002',
    name: 'Corner Bakery Lisbon',
    records: 12,
    homeCurrency: 'EUR',
    multiCurrency: false,
    country: 'PRT',
    lively: true,
  },
  {
    realmId: '4620816300000000003',
    name: 'Thames Valley Plumbing Ltd',
    records: 900,
    homeCurrency: 'GBP',
    multiCurrency: false,
    country: 'GBR',
    lively: true,
  },
  {
    realmId: '4620816300000000004',
    name: 'Meridian Trading GmbH',
    records: 4_000,
    homeCurrency: 'EUR',
    multiCurrency: true,
    country: 'DEU',
    lively: true,
  },
  {
    realmId: '4620816300000000005',
    name: 'Pinecrest Property Management',
    records: 12_000,
    homeCurrency: 'USD',
    multiCurrency: false,
    country: 'USA',
    lively: false,
  },
]
