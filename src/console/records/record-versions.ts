import type { ShownRecord } from '../../books/shown-record.ts'
import type { DiffEntry } from '../../books/versions/diff.ts'
import { pathWords, stepsOf } from '../../books/versions/path-words.ts'
import type { ListedVersion } from '../../books/versions/read-versions.ts'
import type { Entity } from '../../domain/entity.ts'
import { changed, linkTo } from '../address.ts'
import type { PageContext } from '../context.ts'
import { recordPath } from '../entities.ts'
import { html, type Markup } from '../html.ts'
import { momentFields } from '../parts/forms.ts'
import { changeMark } from '../parts/change-mark.ts'
import { valueText } from '../parts/value.ts'
import { clock } from '../parts/time.ts'
import { durationWords } from '../time/time-words.ts'

/** Every version, newest first: what changed in words, by both clocks. */
export function versionsOf(
  entity: Entity,
  { realmId, qboId, validFrom: shownFrom }: ShownRecord,
  versions: readonly ListedVersion[],
  context: PageContext,
): Markup {
  const comparePath = recordPath(realmId, entity, qboId, 'compare')
  return html`<section class="sheet flush" id="versions">
    <h2>Versions</h2>
    <form action="${comparePath}">
      ${momentFields(context.address)}
      <ol class="versions">
        ${versions.map((version, place) =>
          versionRow(version, {
            context,
            isShown: version.validFrom === shownFrom,
            isFirst: place === 0,
            isSecond: place === 1,
            isAlone: versions.length === 1,
          }),
        )}
      </ol>
      ${
        versions.length > 1 &&
        html`<p class="pager no-print">
          <span class="quiet">Choose an earlier and a later version above.</span>
          <button>Compare the two</button>
        </p>`
      }
    </form>
  </section>`
}

interface Around {
  readonly context: PageContext
  readonly isShown: boolean
  readonly isFirst: boolean
  readonly isSecond: boolean
  readonly isAlone: boolean
}

function versionRow(version: ListedVersion, around: Around): Markup {
  const { validFrom, sourceValidFrom, syncRunId, change, summary, diff } = version
  const { context, isShown, isFirst, isSecond, isAlone } = around
  const delay = (Date.parse(validFrom) - sourceValidFrom.getTime()) / 1000
  return html`<li ${isShown && html`class="shown" aria-current="true"`}>
    ${isAlone ? html`<span></span>` : picks(validFrom, { isFirst, isSecond })}
    <div class="what">
      <p>${changeMark(change)} <strong>${summary}</strong></p>
      ${diff.length > 0 && differences(diff)}
      <p class="quiet small">
        QuickBooks ${clock(sourceValidFrom, context)} · seen ${clock(validFrom, context)}
        ${delay >= 1 && html`· ${durationWords(delay)} later`} ·
        <a href="${linkTo(context.address, `/console/runs/${syncRunId}`)}">run ${syncRunId}</a>
      </p>
    </div>
    <a class="button no-print" href="${changed(context.address, { asOf: validFrom, sourceAsOf: null })}"
      >${isShown ? 'Shown' : 'Show'}</a
    >
  </li>`
}

/** Which two are compared: at first the newest and the one before it. */
function picks(validFrom: string, { isFirst, isSecond }: Pick<Around, 'isFirst' | 'isSecond'>): Markup {
  const pick = (name: 'from' | 'to', words: string, isChosen: boolean) =>
    html`<label title="${words}"
      ><input type="radio" name="${name}" value="${validFrom}" ${isChosen && html`checked`} /><span
        class="visually-hidden"
        >${words}: ${validFrom}</span
      ></label
    >`
  return html`<div class="picks no-print">
    ${pick('from', 'The earlier one', isSecond)} ${pick('to', 'The later one', isFirst)}
  </div>`
}

function differences(diff: readonly DiffEntry[]): Markup {
  return html`<details class="diffs">
    <summary>${diff.length === 1 ? 'One value differs' : `${diff.length} values differ`}</summary>
    <table class="diff">
      <thead>
        <tr>
          <th scope="col">Value</th>
          <th scope="col">Before</th>
          <th scope="col">After</th>
        </tr>
      </thead>
      <tbody>
        ${diff.map(({ path, before, after }) => {
          const steps = stepsOf(path)
          return html`<tr>
            <th scope="row" title="${path}">${pathWords(steps)}</th>
            <td class="before">${valueText(before, steps)}</td>
            <td class="after">${valueText(after, steps)}</td>
          </tr>`
        })}
      </tbody>
    </table>
  </details>`
}
