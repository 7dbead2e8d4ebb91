/**
 * @file The service worker: keeps a copy of the export, so that the page works without a network.
 *
 * Files that are addressed by their digest never change, so the copy answers. All others are fetched first, so that a
 * new export is seen, and the copy answers only without a network.
 */
const CACHE = `slipway ${self.registration.scope}`;

self.addEventListener("install", (event) => {
  event.waitUntil(keepAll().then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(forgetOld().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || !url.href.startsWith(self.registration.scope)) return;
  event.respondWith(url.searchParams.has("sha256") ? copyFirst(event.request) : networkFirst(event.request));
});

async function addressesOf(response) {
  const { files } = await response.json();
  const named = files.map(({ path, sha256, kind }) => (kind === "data" ? `${path}?sha256=${sha256}` : path));
  return ["./", "model.json", ...named].map((path) => new URL(path, self.registration.scope).href);
}

async function keepAll() {
  const cache = await caches.open(CACHE);
  const kept = new Set((await cache.keys()).map(({ url }) => url));
  const all = await addressesOf(await fetch("model.json", { cache: "no-cache" }));
  const wanted = all.filter((url) => !(url.includes("?sha256=") && kept.has(url)));
  await cache.addAll(wanted.map((url) => new Request(url, { cache: "no-cache" })));
}

async function forgetOld() {
  const cache = await caches.open(CACHE);
  const wanted = new Set(await addressesOf(await cache.match("model.json")));
  const old = (await cache.keys()).filter(({ url }) => !wanted.has(url));
  await Promise.all(old.map((request) => cache.delete(request)));
}

async function copyFirst(request) {
  return (await caches.match(request)) ?? fetch(request);
}

async function networkFirst(request) {
  try {
    return await fetch(request);
  } catch (error) {
    const copy = await caches.match(request, { ignoreSearch: true });
    if (copy) return copy;
    throw error;
  }
}
