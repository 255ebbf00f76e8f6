"""The page's style sheet: readable wide and narrow, light and dark, on paper."""

SHEET = """
:root { color-scheme: light dark; --ink: #1f2328; --soft: #59636e; --paper: #ffffff; --card: #f6f8fa;
  --line: #d8dee4; --good: #00724f; --plain: #0b5c94; --warn: #a34700; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a4adb8; --paper: #14171b;
  --card: #1d2127; --line: #353b44; --good: #4cc79b; --plain: #74b8ea; --warn: #f0a05a; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 66rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .3rem 0 .8rem; }
h1.good { color: var(--good); } h1.plain { color: var(--plain); }
h2 { font-size: 1.25rem; margin: 2.6rem 0 .6rem; padding-top: .8rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem; }
p { margin: .5rem 0; max-width: 48rem; overflow-wrap: anywhere; }
.quiet, figcaption, .ran { color: var(--soft); font-size: .88rem; }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.2rem 0; padding: 0; list-style: none; }
.tiles li { flex: 1 1 9rem; background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .8rem; }
.tiles b { display: block; font-size: 1.3rem; white-space: nowrap; font-variant-numeric: tabular-nums; }
.flags { margin: 1rem 0; padding: .6rem 1rem .7rem; border-left: 4px solid var(--warn); background: var(--card);
  border-radius: 0 .5rem .5rem 0; }
.flags ul { margin: .3rem 0 0; padding-left: 1.1rem; }
code, pre { font: .88em/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .7rem .9rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.wide { overflow-x: auto; margin: .6rem 0; }
table { border-collapse: collapse; font-size: .9rem; min-width: 60%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; white-space: nowrap; }
thead th { color: var(--soft); }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr.out td, tr.out th { color: var(--soft); }
tr.noted td { border-bottom: 0; padding-bottom: 0; }
tr.note td { color: var(--soft); padding-top: 0; padding-bottom: .6rem; }
.any { overflow-wrap: anywhere; }
.tag { display: inline-block; border-radius: 1rem; padding: 0 .55rem; font-size: .78rem; border: 1px solid;
  white-space: nowrap; }
.tag.good { color: var(--good); } .tag.plain { color: var(--plain); }
figure { margin: 1rem 0; }
figcaption { margin-top: .4rem; }
figure img { display: block; max-width: 100%; height: auto; background: #fff; border-radius: .5rem;
  border: 1px solid var(--line); padding: .5rem; }
.pair { display: flex; flex-wrap: wrap; gap: 1rem; } .pair figure { flex: 1 1 20rem; margin: .5rem 0; }
details { margin: .8rem 0; } summary { cursor: pointer; font-weight: 600; }
@media (max-width: 640px) { main { padding: 1rem .9rem 3rem; } h1 { font-size: 1.5rem; } table { min-width: 100%; }
  figure img { width: 100%; } .less { display: none; } .tiles b { font-size: 1.1rem; }
  td, th { padding-right: .5rem; } th, th.n { white-space: normal; } table { font-size: .85rem; } }
@media print { details > * { display: block; } main { max-width: none; } }
"""
