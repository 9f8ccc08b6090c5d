import ast,sys
from pydepgate.source.interpreter import evaluate
src=open(sys.argv[1]).read(); ev=evaluate(ast.parse(src),src)
for n,ss in ev.calls.items():
    for s in ss:
        if n.lineno in map(int,sys.argv[2:]): print(n.lineno,s.name,[ (sorted(a.taints),a.name,a.trail[-4:]) for a in s.args][:2])
for k,w in ev.files.written.items(): print(repr(k),w.by,w.line,sorted(w.content.taints),w.is_data)
