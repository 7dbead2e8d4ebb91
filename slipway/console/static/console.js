// Draws the pictures of a page from their specifications, in the page's own colours, and switches the theme.
// Vega evaluates expressions by its interpreter (`ast`), since the content security policy forbids to make code.
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const colour = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  function config() {
    const text = colour("--muted");
    const axis = { labelColor: text, titleColor: text, gridColor: colour("--line"), domainColor: colour("--line"), tickColor: colour("--line"), titleFontWeight: "normal" };
    return {
      background: "transparent",
      font: getComputedStyle(document.body).fontFamily,
      axis,
      legend: { labelColor: text, titleColor: text, orient: "top" },
      header: { labelColor: text, titleColor: text },
      title: { color: colour("--text"), anchor: "start", fontWeight: "normal" },
      view: { stroke: null },
      text: { color: colour("--text") },
      rule: { color: text },
      mark: { color: colour("--accent") },
      range: { category: ["--accent", "--second", "--third", "--fourth"].map(colour) },
      locale: {},
    };
  }

  function draw(picture) {
    if (typeof vegaEmbed !== "function") return;
    const spec = JSON.parse(picture.dataset.spec);
    const options = { ast: true, actions: false, defaultStyle: false, renderer: "svg", tooltip: false, config: config() };
    picture.dataset.drawn = picture.dataset.spec.length;
    vegaEmbed(picture, spec, options).then(
      () => { picture.dataset.ready = "yes"; },
      (error) => { console.error("a picture could not be drawn", error); },
    );
  }

  const undrawn = () => document.querySelectorAll("[data-spec]:not([data-drawn])").forEach(draw);
  const redraw = () => document.querySelectorAll("[data-spec]").forEach(draw);

  const isDark = () => (root.dataset.theme || (dark.matches ? "dark" : "light")) === "dark";
  const button = document.getElementById("theme");
  const name = () => { button.textContent = isDark() ? "Light" : "Dark"; };
  button.hidden = false;
  name();
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    name();
    redraw();
  });
  dark.addEventListener("change", () => { name(); redraw(); });

  // A part that AWS has not answered yet comes with a later look at the page, unless somebody has begun to write.
  let written = false;
  document.addEventListener("input", () => { written = true; });
  const look = () => { if (!written && document.querySelector("[data-waiting]")) location.reload(); };
  setInterval(look, 3000);

  // Streams put new pictures into the page.
  new MutationObserver(undrawn).observe(document.body, { childList: true, subtree: true });
  undrawn();
})();
