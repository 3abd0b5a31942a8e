// Keeps an open page current. Without this script the page is whole, and the
// browser loads it again now and then.
'use strict';
(() => {
  const root = document.documentElement;
  const [space, ...units] = root.dataset.units.split('|');
  const patience = 8000; // without a word from the server; it speaks every two seconds
  let shown = root.dataset.version;
  let wanted = shown;
  let heard = performance.now(); // when the server spoke last
  let age = Number(document.getElementById('pulse').dataset.age); // of the last proof, then
  let current = document.getElementById('pulse').classList.contains('fresh');
  let loading = false;
  let lost = false; // the session

  const short = ms => {
    const s = Math.max(0, Math.floor(ms / 1000));
    const part = (n, i) => n || s < 60 ? n + space + units[i] : '';
    const two = b => b && space + b;
    if (s >= 86400) return part(Math.floor(s / 86400), 0) + two(part(Math.floor(s % 86400 / 3600), 1));
    if (s >= 3600) return part(Math.floor(s / 3600), 1) + two(part(Math.floor(s % 3600 / 60), 2));
    if (s >= 60) return part(Math.floor(s / 60), 2);
    return part(s, 3);
  };

  // What the head says goes by this browser's own clock.
  const tick = () => {
    const pulse = document.getElementById('pulse');
    const says = pulse.querySelector('.says');
    const silent = performance.now() - heard;
    const stale = silent > patience;
    root.classList.toggle('stale', stale || lost);
    document.getElementById('icon').href = iconOf(stale || lost || !current);
    if (lost) says.textContent = pulse.dataset.login;
    else if (stale) says.textContent = pulse.dataset.broken.replace('{}', short(silent));
    else if (current && pulse.dataset.text) says.textContent = pulse.dataset.text.replace('{}', short(age + silent));
    for (const e of document.querySelectorAll('.for')) {
      const text = short(Date.now() - Number(e.dataset.since));
      if (e.textContent !== text) e.textContent = text;
    }
  };
  const iconOf = stale => {
    const mark = document.getElementById('mark').getAttribute('src');
    return stale ? mark.replace(/icon-[a-z]+/, 'icon-stale') : mark;
  };

  const zone = () => {
    if (root.dataset.zone !== 'mine') return;
    const two = n => String(n).padStart(2, '0');
    for (const e of document.querySelectorAll('time')) {
      const t = new Date(e.dateTime);
      e.textContent = `${t.getFullYear()}-${two(t.getMonth() + 1)}-${two(t.getDate())} ${two(t.getHours())}:${two(t.getMinutes())}:${two(t.getSeconds())}`;
    }
  };

  // Parts that are different are replaced; what is open, has the focus or is
  // marked stays so.
  const patch = (from, to) => {
    const open = [...from.querySelectorAll('details[open][id]')].map(d => d.id);
    for (const d of to.querySelectorAll('details[id]')) d.open = open.includes(d.id);
    const a = document.activeElement;
    const focus = from.contains(a) ? a.id ? '#' + CSS.escape(a.id) : a.getAttribute('href') ? `a[href=${CSS.escape(a.getAttribute('href'))}]` : null : null;
    from.replaceWith(to);
    if (focus) to.querySelector(focus)?.focus({preventScroll: true});
  };
  const busy = part => {
    const s = getSelection();
    if (s && !s.isCollapsed && part.contains(s.anchorNode)) return true;
    const a = document.activeElement;
    return part.contains(a) && /^(INPUT|SELECT|TEXTAREA)$/.test(a.tagName);
  };
  const load = async () => {
    if (loading) return;
    loading = true;
    const asked = wanted;
    try {
      const answer = await fetch(location.href, {headers: {'X-Part': '1'}, cache: 'no-store', redirect: 'manual'});
      if (answer.type === 'opaqueredirect') { lost = true; return; }
      if (!answer.ok) return;
      const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
      let whole = true;
      for (const to of next.querySelectorAll('[data-live]')) {
        const from = document.getElementById(to.id);
        if (!from) continue;
        if (to.outerHTML === was.get(to.id)) continue;
        if (busy(from)) { whole = false; continue; }
        was.set(to.id, to.outerHTML);
        patch(from, document.adoptNode(to));
      }
      if (document.title !== next.title) {
        document.title = next.title;
        document.getElementById('news').textContent = next.title;
      }
      const mark = next.getElementById('mark')?.getAttribute('src');
      if (mark && mark !== document.getElementById('mark').getAttribute('src')) document.getElementById('mark').setAttribute('src', mark);
      if (whole) shown = next.documentElement.dataset.version;
      zone();
      tick();
    } catch { // the stream says the same
    } finally {
      loading = false;
      if (wanted !== asked) soon();
    }
  };
  // At most one load a second, and those of many tabs not all at once.
  let waiting = 0;
  let last = 0;
  const soon = () => {
    if (waiting) return;
    waiting = setTimeout(() => { waiting = 0; last = performance.now(); load(); }, Math.max(20, last + 1000 - performance.now()));
  };

  const hear = m => {
    heard = performance.now();
    age = Math.max(0, m.age);
    lost = false;
    wanted = m.version;
    current = m.current;
    if (wanted !== shown) soon();
    tick();
  };

  // One stream for all tabs of the browser; where there is no shared worker, one
  // for this tab; where there is no stream, questions.
  let asking = 0;
  const ask = () => {
    if (asking) return;
    asking = setInterval(async () => {
      try {
        const answer = await fetch('/live/now', {cache: 'no-store'});
        if (answer.status === 401) { lost = true; tick(); return; }
        if (answer.ok) hear(await answer.json());
      } catch { // the head says so
      }
    }, 2000);
  };
  const was = new Map();
  for (const e of document.querySelectorAll('[data-live]')) was.set(e.id, e.outerHTML);
  if (typeof SharedWorker !== 'undefined') {
    try {
      const worker = new SharedWorker(document.currentScript ? document.currentScript.src.replace('app.js', 'stream.js') : '/assets/stream.js');
      worker.port.onmessage = e => e.data.ask ? ask() : hear(e.data);
      worker.onerror = ask;
      worker.port.start();
      addEventListener('pagehide', () => worker.port.postMessage('bye'));
      addEventListener('pageshow', e => { if (e.persisted) location.reload(); });
    } catch { ask(); }
  } else if (typeof EventSource !== 'undefined') {
    const stream = new EventSource('/live');
    stream.onmessage = e => hear(JSON.parse(e.data));
    stream.onerror = () => { if (stream.readyState === 2) ask(); };
  } else ask();

  // A tab that was asleep may have missed much.
  addEventListener('visibilitychange', () => { if (!document.hidden) { tick(); if (wanted !== shown) soon(); } });
  zone();
  tick();
  setInterval(tick, 1000);
  // Choosing from a list shows it at once; the button is for those without a script.
  for (const s of document.querySelectorAll('.filter select')) s.addEventListener('change', () => s.form.requestSubmit());
})();
