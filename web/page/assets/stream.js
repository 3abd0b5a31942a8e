// The one event stream of a browser, shared by its tabs.
'use strict';
const ports = new Set();
let stream = null;
let last = null;
const tell = m => { for (const p of ports) p.postMessage(m); };
const open = () => {
  stream = new EventSource('/live');
  stream.onmessage = e => { last = JSON.parse(e.data); tell(last); };
  stream.onerror = () => {
    if (stream.readyState !== 2) return; // it tries again by itself
    stream = null;
    tell({ask: true});
    setTimeout(() => { if (!stream && ports.size) open(); }, 5000);
  };
};
onconnect = e => {
  const port = e.ports[0];
  ports.add(port);
  port.onmessage = m => { if (m.data === 'bye') ports.delete(port); };
  port.start();
  if (!stream) open();
};
