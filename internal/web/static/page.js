// Keeps the page current: one stream of server-sent events for each tab, open only while the tab is visible. htmx swaps the content.
// The SSE extension of htmx is not used: it would keep the stream of a hidden tab open.
(() => {
  'use strict'
  const silence = 25000 // no heartbeat for so long: the connection is dead, as after a laptop's sleep
  const firstDelay = 1000, lastDelay = 30000
  const others = 'BroadcastChannel' in window ? new BroadcastChannel('workspaces') : null
  let source = null, heard = 0, delay = firstDelay, timer = 0

  const region = () => document.getElementById('live')

  function say(state) {
    const status = document.getElementById('status')
    const texts = { live: 'Live', waiting: 'Not live: connecting again', starting: 'Connecting', still: 'Not live' }
    if (status && status.dataset.state !== state) {
      status.dataset.state = state
      status.textContent = texts[state]
    }
  }

  function close() {
    if (source) source.close()
    source = null
    clearTimeout(timer)
  }

  // connect opens the stream of the content that is shown.
  function connect() {
    close()
    const live = region()
    if (!live || document.hidden) return
    if (!live.dataset.stream) {
      say('still')
      return
    }
    const opened = new EventSource(live.dataset.stream)
    source = opened
    heard = Date.now()
    opened.addEventListener('page', event => {
      if (source !== opened) return
      alive()
      const how = { swapStyle: 'morph:innerHTML', swapDelay: 0, settleDelay: 0 }
      htmx.swap(live, event.data, how, { contextElement: live }) // its extensions are those of the element
    })
    opened.addEventListener('heartbeat', alive)
    opened.addEventListener('ended', recover) // the next request for the page says why
    opened.addEventListener('error', () => {
      if (source !== opened) return
      say('waiting')
      if (opened.readyState === EventSource.CLOSED) recover() // otherwise the browser connects again
    })
  }

  function alive() {
    heard = Date.now()
    delay = firstDelay
    say('live')
  }

  // recover asks for the content again, with growing delays. The answer leads to the sign-in if the session has ended.
  function recover() {
    close()
    say('waiting')
    timer = setTimeout(() => {
      if (document.hidden) return
      const swapped = htmx.ajax('GET', location.href, { target: '#live', swap: 'outerHTML' })
      delay = Math.min(delay * 2, lastDelay)
      swapped.catch(() => {}).then(() => { if (!source) recover() })
    }, delay)
  }

  // What people have opened stays open when newer content comes.
  Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === 'open' && node.tagName === 'DETAILS')

  // A filter that is not set is not in the address.
  document.addEventListener('htmx:configRequest', event => {
    const form = event.detail.formData
    for (const [name, value] of [...form.entries()]) {
      if (value === '') form.delete(name)
    }
  })

  // Only the newest content counts: filters replace the element, and with it the stream.
  document.addEventListener('htmx:afterSwap', event => {
    if (event.detail.target && event.detail.target.id === 'live' && event.detail.xhr) connect()
  })
  document.addEventListener('htmx:beforeSwap', event => {
    const failed = event.detail.xhr && event.detail.xhr.status >= 500
    if (failed && source === null) event.detail.shouldSwap = false // keep what is shown until the service answers
  })
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      close()
      say('still')
    } else {
      delay = firstDelay
      connect()
    }
  })
  window.addEventListener('pagehide', close)
  window.addEventListener('pageshow', event => { if (event.persisted) location.reload() })
  setInterval(() => {
    if (source && Date.now() - heard > silence) {
      say('waiting')
      connect()
    }
  }, 1000)

  // A sign-out in one tab is one in all of them.
  document.addEventListener('submit', event => {
    if (event.target.matches('.session') && others) others.postMessage('signed out')
  })
  if (others) others.addEventListener('message', () => setTimeout(() => location.reload(), 500))

  // "/" goes to the search, as people expect of lists.
  document.addEventListener('keydown', event => {
    const search = document.getElementById('q')
    if (event.key === '/' && search && !/^(INPUT|TEXTAREA|SELECT)$/.test(document.activeElement.tagName)) {
      event.preventDefault()
      search.focus()
    }
  })

  connect()
})()
