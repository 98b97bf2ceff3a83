import type { OperatedCompany } from '../../http/companies/show-company.ts'
import { companyPath } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import { actionButton, confirmedButton } from '../parts/forms.ts'

/** What can be done with a company in its state. */
export function companyActions({ realmId, status, callsThisMonth }: OperatedCompany): Markup {
  const to = (name: string) => companyPath(realmId, name)
  const isSynced = status === 'active'
  return html`<div class="row actions">
    ${isSynced && actionButton(to('sync'), 'Sync now', { tone: 'primary', fields: { mode: 'incremental' } })}
    ${
      isSynced &&
      confirmedButton(
        'Full sync…',
        html`Lists every record again, at one metered call for each 1,000 records of a list, five lists at
        least. ${callsThisMonth.metered} metered calls were made for this client this month.`,
        actionButton(to('sync'), 'List everything', { fields: { mode: 'full' } }),
      )
    }
    ${
      isSynced &&
      confirmedButton(
        'Pause…',
        'Nothing is read until somebody resumes. What is mirrored stays readable, and grows old.',
        actionButton(to('pause'), 'Pause'),
      )
    }
    ${
      ['paused', 'needs_reauth', 'unavailable'].includes(status) &&
      actionButton(to('resume'), status === 'paused' ? 'Resume' : 'Try again', { tone: 'primary' })
    }
    ${
      status !== 'disconnected' &&
      confirmedButton(
        'Disconnect…',
        'Revokes the tokens at Intuit and stops reading. The mirror and its history stay. To go on later, the client has to be connected again.',
        actionButton(to('disconnect'), 'Disconnect', { tone: 'danger' }),
      )
    }
  </div>`
}
