import type { Condition } from './query-parser.ts'
import type { EntityName } from './wire.ts'

/** How a record is asked for. Captures of one record by two of them differ in parts that say nothing. */
export type Way = 'query' | 'cdc' | 'id'

/** A query that names records by their Id shows them as a reading by id does. */
export function wayOf(where: readonly Condition[]): Way {
  return where.some(({ property }) => property.toLowerCase() === 'id') ? 'id' : 'query'
}

/**
 * A record as one way of reading shows it: empty parts and default values stand there, or they do not. Queries show
 * what is kept. What a person may have put in is served to the letter where none of these parts is in it.
 */
export function servedText(entity: EntityName, text: string, way: Way): string {
  if (way === 'query') return text
  const { without, beside } = FORMS[way][entity] ?? NO_FORM
  const left = without.reduce((rest, part) => rest.replaceAll(part, ''), text)
  if (!left.startsWith(BEGINNING)) return left
  const added = beside.filter((part) => !left.includes(part.slice(0, part.indexOf(':') + 1))).join('')
  const sparse = way === 'cdc' ? '' : SPARSE
  return `{"domain":"QBO",${sparse}${added}${left.slice(BEGINNING.length)}`
}

interface Form {
  /** Texts of properties with the comma after them; none of them can stand inside a JSON text. */
  readonly without: readonly string[]
  readonly beside: readonly string[]
}

const SPARSE = '"sparse":false,'
const BEGINNING = `{"domain":"QBO",${SPARSE}`
const NO_FORM: Form = { without: [], beside: [] }

const FORMS: Readonly<Record<Exclude<Way, 'query'>, Partial<Record<EntityName, Form>>>> = {
  cdc: {
    Bill: { without: ['"BillableStatus":"NotBillable",'], beside: ['"LinkedTxn":[],'] },
    Invoice: {
      without: [
        '"CustomField":[],',
        '"LinkedTxn":[],',
        '"ApplyTaxAfterDiscount":false,',
        '"PrintStatus":"NotSet",',
      ],
      beside: ['"TaxExemptionRef":{},'],
    },
    Account: { without: [], beside: ['"TaxCodeRef":{},'] },
    Vendor: { without: [], beside: ['"BillAddr":{},', '"OtherContactInfo":[],'] },
    Customer: { without: [], beside: ['"DefaultTaxCodeRef":{},'] },
  },
  id: {
    Bill: { without: [], beside: ['"CustomExtensions":[],', '"GlobalTaxCalculation":"NotApplicable",'] },
    Invoice: {
      without: ['"CustomField":[],'],
      beside: ['"CustomExtensions":[],', '"AllowOnlinePayment":false,', '"BillEmailCc":{},'],
    },
    Account: { without: [], beside: ['"CustomExtensions":[],'] },
    Vendor: { without: [], beside: ['"CustomExtensions":[],'] },
    Customer: { without: [], beside: ['"CustomExtensions":[],'] },
  },
}
