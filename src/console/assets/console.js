// What the pages do beyond links and forms. Everything here only saves a click: each page works without it.
/* global document, window, navigator, localStorage, htmx, uPlot, EventSource, getComputedStyle, setInterval, setTimeout, clearTimeout */

rememberZone()
document.addEventListener('DOMContentLoaded', () => {
  listenToKeys()
  closeMenus()
  refreshWhileWatched()
  drawCharts(document)
  followProgress()
  document.addEventListener('htmx:load', (event) => {
    drawCharts(event.target)
    followProgress()
  })
  document.addEventListener('click', (event) => {
    if (event.target.closest('[data-help]')) document.getElementById('keyboard').showModal()
    if (event.target.closest('[data-print]')) window.print()
    const copied = event.target.closest('[data-copy]')
    if (copied) void navigator.clipboard.writeText(copied.dataset.copy).then(() => say(copied, 'Copied'))
  })
})

/** In place of a button's words, for a moment. */
function say(button, words) {
  const before = button.textContent
  button.textContent = words
  setTimeout(() => (button.textContent = before), SAID_MS)
}

const SAID_MS = 1_500

/** So that the server writes times as the reader's clock shows them, from the next page on. */
function rememberZone() {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone
  document.cookie = `ledger_zone=${encodeURIComponent(zone)}; path=/; max-age=31536000; samesite=lax`
}

function closeMenus() {
  document.addEventListener('click', ({ target }) => {
    for (const menu of document.querySelectorAll('details.menu[open]')) {
      if (!menu.contains(target)) menu.open = false
    }
  })
}

const REFRESH_MS = 15_000

/** Never under somebody's hands: not while they select, type, or have a menu open. */
function refreshWhileWatched() {
  setInterval(() => {
    const page = document.querySelector('main[data-live]')
    const busy =
      document.hidden ||
      localStorage.getItem('refresh') === 'off' ||
      document.querySelector(
        'main details[open], details.menu[open], dialog[open], main input[form]:checked',
      ) ||
      document.activeElement?.matches('input, select, textarea') ||
      !window.getSelection().isCollapsed
    if (page && !busy) htmx.trigger(page, 'refresh')
  }, REFRESH_MS)
}

let followed = null

/** Shows how far a sync has come while it goes on, and the page anew when it has ended. */
function followProgress() {
  const place = document.querySelector('[data-progress]')
  if (!place || followed) return
  followed = new EventSource(place.dataset.progress)
  const end = () => {
    followed.close()
    followed = null
  }
  followed.addEventListener('progress', ({ data }) => {
    // A refresh of the page may have put another one in its place, or none.
    const shown = document.querySelector('[data-progress]')
    if (shown) htmx.swap(shown, data, { swapStyle: 'innerHTML' })
    else end()
  })
  followed.addEventListener('done', () => {
    end()
    const page = document.querySelector('main[data-live]')
    if (page) htmx.trigger(page, 'refresh')
    else document.querySelector('[data-progress]')?.remove()
  })
}

const SEQUENCE_MS = 1_000

function listenToKeys() {
  let before = ''
  let forget
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    if (event.key === 'Escape') {
      for (const menu of document.querySelectorAll('details.menu[open]')) menu.open = false
      if (event.target.matches('input')) event.target.blur()
      return
    }
    if (event.target.matches('input, select, textarea')) return
    const keys = before === 'g' ? `g ${event.key}` : event.key
    clearTimeout(forget)
    before = event.key
    forget = setTimeout(() => (before = ''), SEQUENCE_MS)
    const link = document.querySelector(`[data-key="${keys.replace(/["\\]/g, '')}"]`)
    if (link) return actOn(event, () => link.click())
    const act = KEYS[keys]
    if (act) actOn(event, act)
  })
}

function actOn(event, act) {
  event.preventDefault()
  act()
}

const KEYS = {
  '/': () => document.querySelector('.search input')?.focus(),
  '?': () => document.getElementById('keyboard').showModal(),
  j: () => moveRow(1),
  k: () => moveRow(-1),
  Enter: () => document.querySelector('tr.current a')?.click(),
  r: () => localStorage.setItem('refresh', localStorage.getItem('refresh') === 'off' ? 'on' : 'off'),
  t: () => {
    const form = document.getElementById('look')
    const dark = getComputedStyle(document.documentElement).colorScheme.trim() === 'dark'
    const shown = form.elements.theme.value
    const isDark = shown === 'system' ? window.matchMedia('(prefers-color-scheme: dark)').matches : dark
    form.elements.theme.value = isDark ? 'light' : 'dark'
    form.requestSubmit()
  },
}

function moveRow(step) {
  const rows = [...document.querySelectorAll('main tbody tr')].filter((row) => row.querySelector('a'))
  const at = rows.findIndex((row) => row.classList.contains('current'))
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + step))]
  if (!next) return
  rows[at]?.classList.remove('current')
  next.classList.add('current')
  next.querySelector('a').focus({ preventScroll: true })
  next.scrollIntoView({ block: 'nearest' })
}

/** A chart for every `data-chart`, from the table beside it: what is drawn is what the table says. */
function drawCharts(root) {
  const places = [...root.querySelectorAll('[data-chart]:not([data-drawn])')]
  for (const place of places) place.dataset.drawn = 'true'
  if (places.length > 0) void loadCharts().then(() => places.forEach(drawChart))
}

let charts

function loadCharts() {
  charts ??= new Promise((resolve) => {
    const style = Object.assign(document.createElement('link'), {
      rel: 'stylesheet',
      href: document.body.dataset.chartStyle,
    })
    const script = Object.assign(document.createElement('script'), { src: document.body.dataset.charts })
    script.onload = resolve
    document.head.append(style, script)
  })
  return charts
}

function drawChart(place) {
  const { labels, series, decimals } = JSON.parse(place.dataset.chart)
  const strokes = ['--accent', '--heals', '--fine', '--then']
  const axis = { stroke: resolved(place, '--ink-2'), grid: { stroke: resolved(place, '--line'), width: 1 } }
  const size = () => ({ width: place.clientWidth, height: 210 })
  const plot = new uPlot(
    {
      ...size(),
      legend: { live: true },
      cursor: { drag: { x: true, y: false } },
      axes: [
        axis,
        { ...axis, size: 80, values: (_plot, ticks) => ticks.map((tick) => tick.toLocaleString('en')) },
      ],
      series: [
        {},
        ...series.map(({ label, values }, line) => ({
          label,
          stroke: resolved(place, strokes[line % strokes.length]),
          width: 1.75,
          // A line needs two days.
          points: { show: values.filter((value) => value !== null).length < FEW_POINTS },
          value: (_plot, value) =>
            value === null ? '–' : value.toLocaleString('en', { minimumFractionDigits: decimals }),
        })),
      ],
    },
    [labels.map((date) => Date.parse(date) / 1000), ...series.map(({ values }) => values)],
    place,
  )
  window.addEventListener('resize', () => plot.setSize(size()))
}

const FEW_POINTS = 15

/** A colour of the page as the canvas understands it. */
function resolved(place, name) {
  const probe = document.createElement('span')
  probe.style.color = `var(${name})`
  place.append(probe)
  const { color } = getComputedStyle(probe)
  probe.remove()
  return color
}
