import { describe, expect, test } from '@jest/globals'
import { formatFamilies } from '../../src/metrics/exposition.ts'
import { parseExposition } from './parse-exposition.ts'

describe('the text format', () => {
  test('a metric has its help and type once, then its series', () => {
    const text = formatFamilies([
      {
        name: 'jobs',
        help: 'Jobs.',
        type: 'gauge',
        samples: [
          { labels: { queue: 'a', state: 'active' }, value: 2 },
          { labels: {}, value: 0.5 },
        ],
      },
    ])
    expect(text).toBe('# HELP jobs Jobs.\n# TYPE jobs gauge\njobs{queue="a",state="active"} 2\njobs 0.5\n')
  })

  test('quotes, backslashes and line breaks of a label value are escaped, and so are those of a help', () => {
    const text = formatFamilies([
      {
        name: 'odd',
        help: 'a\\b\nc',
        type: 'counter',
        samples: [{ labels: { name: 'say "hi"\\\nbye' }, value: 1 }],
      },
    ])
    expect(text).toBe('# HELP odd a\\\\b\\nc\n# TYPE odd counter\nodd{name="say \\"hi\\"\\\\\\nbye"} 1\n')
    expect(parseExposition(text).series.size).toBe(1)
  })

  test('a metric without series still says what it is', () => {
    const text = formatFamilies([{ name: 'none', help: 'None.', type: 'gauge', samples: [] }])
    expect(text).toBe('# HELP none None.\n# TYPE none gauge\n')
  })
})
