/** The style of the report: light and dark by the reader's system, from a telephone to paper. */
export const pageStyle = `
:root { color-scheme: light dark; --paper: #fff; --ink: #1c2430; --soft: #5b6675; --line: #d9dee5; --panel: #f5f7f9;
  --bm25: #c27803; --dense: #2563b8; --hybrid: #0f7a55; --union: #6b7280; --good: #0f6b4a; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #12161c; --ink: #e6eaf0; --soft: #9aa6b5; --line: #2c343f; --panel: #1a2028;
    --bm25: #e0a030; --dense: #6aa5f0; --hybrid: #3fbf8f; --union: #9aa6b5; --good: #52cf9f; --bad: #f58a80; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 40px 0 8px; padding-top: 12px; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 24px 0 4px; }
p { margin: 8px 0; max-width: 70ch; }
.soft { color: var(--soft); }
.answer { font-size: 1.1rem; margin: 20px 0; padding: 14px 16px; background: var(--panel); border-left: 4px solid var(--hybrid); max-width: none; }
.warning { padding: 10px 16px; background: var(--panel); border-left: 4px solid var(--bm25); max-width: none; }
dl.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(220px, 1fr)); gap: 10px 24px; margin: 16px 0; }
dl.facts dt { color: var(--soft); font-size: .8rem; }
dl.facts dd { margin: 0; overflow-wrap: anywhere; }
ul.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0; padding: 0; font-size: .9rem; }
ul.legend i { display: inline-block; width: 12px; height: 12px; margin-right: 6px; border-radius: 2px; vertical-align: -1px; }
ul.legend i.dash { height: 0; width: 16px; border-top: 2px dashed var(--union); border-radius: 0; vertical-align: 4px; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(300px, 100%), 1fr)); gap: 20px; margin: 12px 0; }
figure { margin: 0; break-inside: avoid; }
figcaption { font-size: .9rem; font-weight: 600; margin-bottom: 2px; }
figcaption span { font-weight: 400; color: var(--soft); }
svg { display: block; width: 100%; height: auto; }
svg text { font: 10px system-ui, -apple-system, 'Segoe UI', sans-serif; fill: var(--soft); }
svg .value { fill: var(--ink); font-size: 9px; paint-order: stroke; stroke: var(--paper); stroke-width: 2.5px; }
svg .grid { stroke: var(--line); stroke-width: 1; }
svg .zero { stroke: var(--soft); stroke-width: 1; }
.bm25 { fill: var(--bm25); background: var(--bm25); } .dense { fill: var(--dense); background: var(--dense); }
.hybrid { fill: var(--hybrid); background: var(--hybrid); }
svg .union { stroke: var(--union); stroke-width: 1.5; stroke-dasharray: 3 2; }
svg .ahead { stroke: var(--good); fill: var(--good); } svg .behind { stroke: var(--bad); fill: var(--bad); }
svg .even { stroke: var(--soft); fill: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; margin: 8px 0; }
th, td { padding: 5px 8px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: middle; }
th { color: var(--soft); font-weight: 600; border-bottom-width: 2px; vertical-align: bottom; }
th:first-child, td:first-child, .left { text-align: left; }
td { overflow-wrap: break-word; }
td.whole { white-space: nowrap; }
tr.group td { padding-top: 14px; }
td.best { font-weight: 700; }
td svg { width: 168px; }
.soft td { color: var(--soft); }
.ahead { color: var(--good); } .behind { color: var(--bad); }
td.ahead, td.behind { font-weight: 600; }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; overflow-wrap: anywhere; }
@media (max-width: 560px) {
  body { font-size: 15px; } th, td { padding: 5px; } .wide { display: none; } table { font-size: .82rem; } td svg { width: 92px; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --soft: #444; --line: #bbb; --panel: #f3f3f3;
    --bm25: #c27803; --dense: #2563b8; --hybrid: #0f7a55; --union: #555; --good: #0f6b4a; --bad: #b42318; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  main { max-width: none; padding: 0; } body { font-size: 11px; } h2 { break-after: avoid; } tr { break-inside: avoid; }
  .charts { grid-template-columns: repeat(3, 1fr); } .scroll { overflow: visible; }
}
`;
