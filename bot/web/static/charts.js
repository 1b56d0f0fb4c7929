// Draw each `[data-chart]` from the JSON in it. Without script, or for whoever does not see, the table says the same.

const TINTS = ["--accent", "--info-ink", "--warn-ink"];

// A canvas does not know light-dark(): let the browser work the colour out.
function colour(name) {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function axis(scale, side, ink, lines) {
  return { scale, side, stroke: ink, size: 52, grid: { show: side === 3, stroke: lines, width: 1 }, ticks: { show: false } };
}

function options(data, width) {
  const ink = colour("--ink-soft"), lines = colour("--line");
  const scales = [...new Set(data.series.map((one) => one.scale))];
  const long = Math.max(...data.labels.map((label) => label.length));
  return {
    width,
    height: 260,
    legend: { live: true },
    cursor: { drag: { x: false, y: false } },
    scales: Object.fromEntries([["x", { time: false }], ...scales.map((name) => [name, { range: (_, low, high) => [0, name === "%" ? 100 : Math.max(high, 1)] }])]),
    series: [
      { label: data.x, value: (_, at) => data.labels[at] ?? "" },
      ...data.series.map((one, at) => ({
        label: one.label, scale: one.scale, stroke: colour(TINTS[at]), width: 2, points: { size: 5 },
      })),
    ],
    axes: [
      { stroke: ink, grid: { show: false }, ticks: { show: false }, space: 9 * long, values: (_, marks) => marks.map((at) => (Number.isInteger(at) ? data.labels[at] ?? "" : "")) },
      ...scales.map((name, at) => axis(name, at === 0 ? 3 : 1, ink, lines)),
    ],
  };
}

const drawn = new Map();

function draw(place) {
  const data = JSON.parse(place.dataset.chart);
  drawn.get(place)?.destroy();
  if (!data.labels.length) return;
  const columns = [data.labels.map((_, at) => at), ...data.series.map((one) => one.values)];
  drawn.set(place, new uPlot(options(data, place.clientWidth), columns, place));
}

function drawAll() {
  for (const place of document.querySelectorAll("[data-chart]")) draw(place);
}

addEventListener("resize", drawAll);
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
drawAll();
