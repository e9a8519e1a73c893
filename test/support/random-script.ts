/**
 * Random well-typed scripts of several `begin` blocks, as text: what the oracle, the interpreter and the kernel must agree on.
 * Each block is a program of the kernel's.
 */
import fc from "fast-check";

type Text = fc.Arbitrary<string>;

const INTEGERS = ["$a", "$b", "$c", "$u"];
const STRINGS = ["$s", "$t"];

const literal: Text = fc.oneof(
  fc.constantFrom("0", "1", "2", "3", "7", "8", "63", "64", "100", "255", "256", "1000", "65535", "0x7fffffff"),
  fc.constantFrom("0xffffffff", "0x100000000", "0x7fffffffffffffff", "1e6", "5ms"),
  fc.integer({ min: 0, max: 1 << 30 }).map(String),
);

const word: Text = fc.constantFrom('"a"', '"ab"', '"hello"', '"a longer string than eight"', '""', '"worker"');

/** Numbers that are read by way of an address. */
const WORDS_IN_MEMORY = [
  ..."$w *$pw *&$w *&@n *$pn *&@un @un $ps->x $ps.y $ps->z $ps->c $ps.d $ps->e $ps.f[1] $ps->inner.g".split(" "),
  ..."((struct&bits&*)&@n)->c ((struct&bits&*)$pw)->d ((union&half&*)$pn)->parts[1] ((union&half&*)&@un)->low".split(
    " ",
  ),
  ..."((uint8*)&$w)[3] *((int16*)$pw+1) *((uint8*)$pw+5) *(1+(int32*)&@n) ((int8*)&$w2)[7] *(&$w)".split(" "),
].map((text) => text.replace(/(?<=struct|union|bits|half)&/g, " "));

/** Texts that are kept as numbers; the first numbers each have a text of their own. */
const NAMES = fc.constantFrom("strerror", "signal_name", "syscall_name");

interface Grammar {
  integer: string;
  string: string;
  condition: string;
  key: string;
}

const grammar = fc.letrec<Grammar>((tie) => ({
  integer: fc.oneof(
    { maxDepth: 2 },
    literal,
    fc.constantFrom(...INTEGERS, "pid", "tid", "uid", "cpu", "@n", "@w"),
    fc.constantFrom(
      "@k[1]",
      "@k[$a]",
      '@p["a"]',
      "@q[1, 2]",
      "@q[$a, $b]",
      "@vk[$v]",
      "@rk[$rec]",
      "@rk[(n=$a & 1, name=$s)]",
    ),
    fc.constantFrom("(int64)@as", "@ac", "@akc[$a & 3]", "@amin", "@amax[1]", "@aavg", '@nk[$a & 1, ("x", 1)].0'),
    fc.constantFrom(...WORDS_IN_MEMORY),
    tie("integer").map((a) => `$ps->f[($u ^ ${a}) & 1]`),
    tie("integer").map((a) => `((union half *)&$w)->parts[($u ^ ${a}) & 1]`),
    fc
      .tuple(tie("integer"), fc.constantFrom("$pw", "$pn", "&$w2", "&@un"))
      .map(([a, p]) => `({ $w = (uint64)($u + ${a}); *${p} } ^ *$pw)`),
    fc.tuple(tie("condition"), tie("integer")).map(([c, a]) => `*(${c} ? $pw : { $w2 = (uint64)($u ^ ${a}); &$w2 })`),
    fc.tuple(tie("string"), tie("string"), fc.nat(9)).map(([s, t, n]) => `memcmp(${s}, ${t}, ${n})`),
    fc.constantFrom("memcmp(&$w, &$w2, 5)", "memcmp($arr, &$w, 8)", "memcmp($pw, &@un, 3)", "strstr($s, $t)"),
    fc.tuple(tie("integer"), tie("integer")).map(([a, b]) => `(($a & ${a}) ?: ($b ^ ${b}))`),
    fc
      .tuple(tie("condition"), tie("integer"), tie("integer"))
      .map(([c, a, b]) => `(if (${c}) { $a ^ ${a} } else { $b + ${b} })`),
    fc
      .tuple(tie("integer"), fc.constantFrom("+", "-", "*", "/", "%", "&", "|", "^"), tie("integer"))
      .map(([a, op, b]) => (op === "/" || op === "%" ? `(${a} ${op} (${b} | 1))` : `(${a} ${op} ${b})`)),
    fc
      .tuple(tie("integer"), fc.constantFrom("<<", ">>"), tie("integer"))
      .map(([a, op, b]) => `(${a} ${op} (${b} & 63))`),
    fc.tuple(fc.constantFrom("-", "~"), tie("integer")).map(([op, a]) => `(${op}($b + ${a}))`),
    fc
      .tuple(fc.constantFrom("uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64"), tie("integer"))
      .map(([type, a]) => `(${type})($c ^ ${a})`),
    fc.tuple(tie("condition"), tie("integer"), tie("integer")).map(([c, a, b]) => `(${c} ? ($a | ${a}) : ($b & ${b}))`),
    fc.constantFrom("$a++", "++$b", "$c--", "--$a"),
    tie("integer").map((a) => `{ $z = ${a}; $z + 1 }`),
    tie("integer").map((a) => `twice(${a})`),
    tie("integer").map((a) => `mix($b, twice(${a}))`),
    tie("integer").map((a) => `both({ $a ^= ${a}; $a + 1 })`),
    fc.tuple(NAMES, tie("integer")).map(([name, a]) => `strlen(${name}($u ^ ${a}))`),
    fc.tuple(tie("condition"), tie("integer")).map(([c, a]) => `(${c} ? ($a, $b ^ ${a}) : ($b, $c)).1`),
    fc.constantFrom("$nr.p.n", "@nrk[$nr]", "(int64)@pk[$a & 3]", "@plru[$a & 7]", "offsetof(struct bits, c)"),
    fc.constantFrom("sizeof($nr)", "len(@q)", "has_key(@q, (1, 2))", "has_key(@akc, $a & 3)", "strlen($nr.p.s)"),
    fc.constantFrom("$v.0", "(7, $a).1", '($b, "x").0', "$rec.n", "(a=$b, b=1).a", "RED", "BLUE", "sizeof(int32)"),
    fc.constantFrom("$arr[0]", "$arr[7]", "len(@k)", "len(@akc)", "$f", "@bool"),
    tie("integer").map((a) => `$arr[$u ^ ${a}]`),
    tie("integer").map((a) => `$s[($u ^ ${a}) & 15]`),
    fc
      .tuple(fc.constantFrom("uint8", "uint16", "int32", "uint32", "int64"), tie("integer"))
      .map(([type, a]) => `bswap((${type})($a ^ ${a}))`),
    tie("string").map((s) => `strlen(${s})`),
    fc.tuple(tie("string"), word).map(([s, w]) => `strstr(${s}, ${w})`),
    fc.tuple(tie("string"), tie("string"), fc.nat(9)).map(([s, t, n]) => `strncmp(${s}, ${t}, ${n})`),
  ),
  string: fc.oneof(
    { maxDepth: 2 },
    word,
    fc.constantFrom(...STRINGS, "comm", "$v.1", "$rec.name", "@str", "@kstr[1]", "@one[4].1", '@nk[0, ("x", 1)].1.0'),
    fc.tuple(word, tie("string")).map(([w, s]) => `str_concat(${w}, ${s})`),
    fc.tuple(tie("condition"), word, word).map(([c, a, b]) => `(${c} ? ${a} : ${b})`),
    fc.tuple(tie("condition"), tie("string"), tie("string")).map(([c, s, t]) => `(if (${c}) { ${s} } else { ${t} })`),
    tie("string").map((s) => `{ $q = ${s}; str_concat("<", $q) }`),
    fc.tuple(NAMES, tie("integer")).map(([name, a]) => `str_concat(${name}(($a ^ ${a}) & 255), "")`),
    tie("string").map((s) => `last({ $q = ${s}; $q })`),
    fc.constant("$nr.p.s"),
  ),
  condition: fc.oneof(
    { maxDepth: 2 },
    fc
      .tuple(tie("integer"), fc.constantFrom("==", "!=", "<", "<=", ">", ">="), tie("integer"))
      .map(([a, op, b]) => `($u + ${a}) ${op} ${b}`),
    fc.tuple(tie("string"), fc.constantFrom("==", "!="), tie("string")).map(([a, op, b]) => `${a} ${op} ${b}`),
    fc
      .tuple(tie("condition"), fc.constantFrom("&&", "||"), tie("condition"))
      .map(([a, op, b]) => `((${a}) ${op} (${b}))`),
    tie("condition").map((c) => `!(${c})`),
    fc.tuple(tie("string"), word).map(([s, w]) => `strcontains(${s}, ${w})`),
    fc.tuple(tie("integer"), tie("string")).map(([a, s]) => `$v == ((int64)($a + ${a}), ${s})`),
    tie("integer").map((a) => `$arr == (uint8[8])(int64)($a ^ ${a})`),
    fc.tuple(fc.constantFrom(4, 6), tie("string")).map(([n, s]) => `buf($s, ${n}) == buf(${s}, ${n})`),
    fc.constantFrom("strcontains($s, $t)", '@nk[1, ("x", 1)].1.1', "*$pw", "$ps->x > $ps->y"),
    tie("integer").map((a) => `(bool)($b & ${a})`),
    fc
      .tuple(NAMES, tie("integer"), fc.constantFrom("==", "!="), fc.constantFrom("SIGKILL", "close", "Unknown error"))
      .map(([name, a, op, text]) => `${name}($u + ${a}) ${op} "${text}"`),
    fc.tuple(NAMES, tie("integer"), tie("string")).map(([name, a, s]) => `strcontains(${name}($u ^ ${a}), ${s})`),
    fc.constantFrom("@named == $s", "strerror($a) == @named", "strcontains(@named, $s)"),
    fc.constantFrom("has_key(@k, 1)", "has_key(@k, $a)", "$a", "@n", "$f", "@bool", "find(@k, $b, $c)"),
  ),
  key: fc.oneof(
    fc.constantFrom("@k[1]", "@k[2]"),
    tie("integer").map((a) => `@k[$a ^ ${a}]`),
  ),
}));

const { integer, string, condition, key } = grammar;

function asBool(condition: string): string {
  return `((${condition}) ? true : false)`;
}

const AGGREGATIONS: Text = fc.oneof(
  fc.constant("@ac = count();"),
  fc.constant("@akc[$a & 3] = count();"),
  integer.map((a) => `@as = sum($a ^ ${a});`),
  integer.map((a) => `@aks[$b & 1, "k"] = sum((int32)(${a} ^ $a));`),
  integer.map((a) => `@amin = min($b + ${a});`),
  integer.map((a) => `@amax[1] = max((uint64)($c ^ ${a}));`),
  integer.map((a) => `@aavg = avg((int16)($a ^ ${a}));`),
  integer.map((a) => `@ast[comm] = stats((int32)($a ^ ${a}));`),
  integer.map((a) => `@ah = hist($a ^ ${a});`),
  integer.map((a) => `@akh[$a & 1] = hist($b ^ ${a}, 3);`),
  // Intervals so long that a script ends in the one in which it began.
  integer.map((a) => `@ats = tseries($a ^ ${a}, 30d, 3);`),
  integer.map((a) => `@atk[$a & 1] = tseries((uint64)($b ^ ${a}), 30d, 2, "max");`),
  integer.map((a) => `@ata[comm, $a & 1] = tseries((int32)($b ^ ${a}), 30d, 2, "avg");`),
  integer.map((a) => `@al = lhist(($c ^ ${a}) & 127, 10, 100, 7);`),
  integer.map((a) => `@pk[$a & 3] = sum($c ^ ${a});`),
  integer.map((a) => `@abl = { let $y = ${a}; max($y ^ $a) };`),
);

const OPERATORS = fc.constantFrom("+=", "-=", "*=", "&=", "|=", "^=");

const simple: Text = fc.oneof(
  fc.tuple(fc.constantFrom("$a", "$b", "$c"), integer).map(([v, a]) => `${v} = $u + ${a};`),
  fc.tuple(fc.constantFrom("$a", "$b", "$c"), OPERATORS, integer).map(([v, op, a]) => `${v} ${op} ${a};`),
  fc
    .tuple(fc.constantFrom("$a", "$b", "$c", "@n", "@k[$a]"), fc.constantFrom("/=", "%=", "<<=", ">>="), integer)
    .map(([v, op, a]) => `${v} ${op} ${op === "/=" || op === "%=" ? `(${a} | 1)` : `(${a} & 63)`};`),
  fc.tuple(fc.constantFrom(...STRINGS), string).map(([v, s]) => `${v} = ${s};`),
  fc.tuple(integer, string, condition).map(([a, s, c]) => `$nr = (p=(n=$a ^ ${a}, s=${s}), q=${asBool(c)});`),
  fc.tuple(condition, integer, string).map(([c, a, s]) => `$v = ${c} ? ($b ^ ${a}, "a") : ($a, ${s});`),
  fc.constantFrom("@nrk[$nr]++;", "@nrk[$nr] = $a;", "delete(@nrk, $nr);", "print($nr);", "@nr = $nr;", "$nr = @nr;"),
  fc.constantFrom("$rec = @rec;", "@rec = $rec;", "$arr = @arr[1];", "$s = @str;", "@kstr[2] = $s;", "$v = @one[4];"),
  fc.constantFrom("@plru[$b & 7] = count();", "delete(@plru, $a & 7);", "delete(@akc, 1);", "clear(@nrk);"),
  integer.map((a) => `swap($a, $b); @n ^= ${a};`),
  integer.map((a) => `{ let $x: typeof($w) = (uint64)($u ^ ${a}); $w ^= $x; }`),
  integer.map((a) => `print(($a, ("x", ${a}, $f), (n=$u, s=$s)));`),
  fc.tuple(integer, string).map(([a, s]) => `printf("%u %s %d %c", (uint32)($a ^ ${a}), ${s}, (int8)$b, 65);`),
  fc.tuple(integer, string).map(([a, s]) => `$v = ($a + ${a}, ${s});`),
  integer.map((a) => `@n = $a + ${a};`),
  fc.tuple(OPERATORS, integer).map(([op, a]) => `@n ${op} ${a};`),
  integer.map((a) => `@w = (uint16)($a + ${a});`),
  fc.constantFrom("@n++;", "--@n;", "@k[3]++;", "@k[$a]--;", '@p["a"]++;'),
  fc.tuple(key, integer).map(([k, a]) => `${k} = $b ^ ${a};`),
  fc.tuple(key, OPERATORS, integer).map(([k, op, a]) => `${k} ${op} ${a};`),
  fc.tuple(string, integer).map(([s, a]) => `@p[${s}] = $c + ${a};`),
  fc.tuple(integer, integer).map(([a, b]) => `@q[$a & ${a}, $b | ${b}] = $a;`),
  string.map((s) => `@str = ${s};`),
  fc.tuple(integer, string).map(([a, s]) => `@kstr[$a & ${a}] = ${s};`),
  fc.tuple(string, integer).map(([s, a]) => `@tup[${s}, $a ^ ${a}] = ($b, ${s});`),
  fc.constantFrom("delete(@k, 1);", "delete(@k[$a]);", "delete(@n);", 'delete(@p, "a");'),
  fc.tuple(integer, string).map(([a, s]) => `printf("%d %s", $a + ${a}, ${s});`),
  fc.tuple(integer, string).map(([a, s]) => `print(($a ^ ${a}, ${s}));`),
  // A map that a thread has to itself, whose entries are recycled.
  integer.map((a) => `@tt[tid] = $a ^ ${a};`),
  fc.constantFrom("delete(@tt, tid);", "delete(@tt[tid]);", "if (@tt[tid]) { @n = @tt[tid]; }", "@n = @tt[tid];"),
  fc.constantFrom("if (has_key(@tt, tid)) { @n++; }", "print(delete(@tt, tid));"),
  fc.constantFrom(
    "print(@n);",
    "print($t);",
    "print(pid);",
    "print(@k, 2);",
    "clear(@k);",
    "zero(@akc);",
    "print($rec);",
  ),
  fc.constantFrom("print($arr);", "print($f);", "print(@k[$a]);", "print(@rec);", "find(@k, 1, $a);"),
  condition.map((c) => `$f = ${asBool(c)};`),
  condition.map((c) => `@bool = ${asBool(c)};`),
  fc.tuple(integer, string).map(([a, s]) => `$rec = (n=$a ^ ${a}, name=${s});`),
  fc.tuple(integer, string).map(([a, s]) => `@rec = (n=$a ^ ${a}, name=${s});`),
  integer.map((a) => `$arr = (uint8[8])(int64)($b ^ ${a});`),
  integer.map((a) => `@arr[$a & 1] = (uint8[8])(int64)($b ^ ${a});`),
  integer.map((a) => `@lru[$a ^ ${a}] = $b;`),
  fc.tuple(condition, integer).map(([c, a]) => `@ctup[${asBool(c)}, (int16)($u ^ ${a})] = count();`),
  integer.map((a) => `bump($c, @bumped, $a ^ ${a});`),
  fc.tuple(fc.constantFrom("$w", "$w2", "@un"), integer).map(([v, a]) => `${v} = (uint64)($u ^ ${a});`),
  fc.tuple(fc.constantFrom("$w", "$w2"), OPERATORS, integer).map(([v, op, a]) => `${v} ${op} ${a};`),
  integer.map((a) => `@un += (uint64)($u ^ ${a});`),
  fc.constantFrom(
    "$w++;",
    "--$w2;",
    "@un++;",
    "$pw = &$w;",
    "$pw = &$w2;",
    "$pw = &@un;",
    "$ps = (struct bits *)&$w2;",
  ),
  fc.constantFrom("print(*$pw);", "print($ps->c);", "$pn = &@n;", "delete(@un);", "find(@k, 1, $w3); print(*$p3);"),
  condition.map((c) => `$pw = (${c}) ? &$w : &$w2;`),
  fc
    .tuple(integer, string, condition)
    .map(([a, s, c]) => `@nk[$a & 1, ("x", (int16)($b & 1))] = ($a ^ ${a}, (${s}, ${asBool(c)}));`),
  fc.constantFrom(
    'delete(@nk, (0, ("x", 1)));',
    'print(@nk[$a & 1, ("x", 1)]);',
    '@nc[$a & 1, (($b & 1, "k"), $f)] = count();',
  ),
  fc.constantFrom("@vk[$v] = $a;", "@vk[$v]++;", "delete(@vk, $v);", "@rk[$rec] = $b;", "@rk[(n=$a & 1, name=$s)]++;"),
  fc.constantFrom(
    "print(@one[4]);",
    "print(buf($s, 4));",
    "print(buf($arr));",
    "@bf[$a & 1] = buf($s, 5);",
    "print(@bf[1]);",
  ),
  fc.tuple(integer, string).map(([a, s]) => `@one[4] = ($b ^ ${a}, ${s});`),
  fc.tuple(integer, string).map(([a, s]) => `print(buf(${s}, ($u ^ ${a}) & 3));`),
  integer.map((a) => `_ = ${a};`),
  integer.map((a) => `@named = strerror($a ^ ${a});`),
  fc
    .tuple(fc.constantFrom("$s", "$t", "@str", "@kstr[2]"), NAMES, integer)
    .map(([to, name, a]) => `${to} = ${name}($b ^ ${a});`),
  fc.tuple(NAMES, integer).map(([name, a]) => `@${name}[${name}((($b ^ ${a}) & 7) + 1)] = count();`),
  fc.tuple(NAMES, integer).map(([name, a]) => `print(${name}($b ^ ${a}));`),
  fc.tuple(NAMES, integer).map(([name, a]) => `printf("%s %d", ${name}($u ^ ${a}), (int16)$a);`),
  integer.map((a) => `print(strftime("%H:%M:%S", (uint64)($a ^ ${a})));`),
  integer.map((a) => `printf("%s %s", strftime("%Y", (uint64)($u ^ ${a})), $s);`),
  fc
    .tuple(integer, string)
    .map(([a, s]) => `{ let $x: uint32 = (uint32)($a ^ ${a}); let $y = ${s}; @kstr[$x & 3] = $y; }`),
  AGGREGATIONS,
);

const { statement } = fc.letrec<{ statement: string }>((tie) => {
  const block = fc.array(tie("statement"), { minLength: 1, maxLength: 2 }).map((list) => `{ ${list.join(" ")} }`);
  return {
    statement: fc.oneof(
      { maxDepth: 2 },
      simple,
      simple,
      simple,
      fc.tuple(condition, block).map(([c, b]) => `if (${c}) ${b}`),
      fc.tuple(condition, block, block).map(([c, a, b]) => `if (${c}) ${a} else ${b}`),
      fc
        .tuple(condition, block, condition, block, block)
        .map(([c, a, d, b, e]) => `if (${c}) ${a} else if (${d}) ${b} else ${e}`),
      fc.tuple(block, block).map(([a, b]) => `if comptime is_str($s) ${a} else ${b}`),
      fc.tuple(condition, block, block).map(([c, a, b]) => `either(${c}, ${a}, ${b});`),
      fc.tuple(fc.integer({ min: 1, max: 3 }), block).map(([n, b]) => `repeated(${n}, ${b});`),
      // So many rounds are a loop.
      integer.map((a) => `unroll (90) { $a += ${a}; if ($a > 40) { break; } @k[$a & 3]++; }`),
      fc.tuple(fc.integer({ min: 1, max: 3 }), block).map(([n, b]) => `unroll (${n}) ${b}`),
      fc.tuple(condition, block).map(([c, b]) => `if (${c}) { return; } else ${b}`),
      fc
        .tuple(
          fc.noShrink(fc.nat(1e9)),
          fc.nat(4),
          block,
          fc.constantFrom("", "break;", "continue;", "return;"),
          condition,
        )
        .map(([id, n, b, jump, c]) => `for ($r${id} : 0..${n}) { $a += $r${id}; if (${c}) { ${jump} } ${b} }`),
      fc
        .tuple(fc.noShrink(fc.nat(1e9)), fc.constantFrom("-2", "$b & 1", "3"), integer, block)
        .map(
          ([id, from, to, b]) => `$e${id} = ($a ^ ${to}) & 3; for ($d${id} : ${from}..$e${id}) { $c ^= $d${id}; ${b} }`,
        ),
      // The order of a map's entries is anyone's.
      fc.constantFrom(
        "for ($kv : @k) { $b ^= $kv.0 * 31 + $kv.1; }",
        "for ($kv : @akc) { @fc[$kv.0 & 1] = sum($kv.1); }",
        "for ($kv : @q) { if ($kv.0.0 > 1) { $a += $kv.1; } }",
        "for ($kv : @p) { @fs = sum(strlen($kv.0)); }",
        "for ($kv : @k) { delete(@k, $kv.0); $b ^= $kv.1; }",
        "for ($kv : @k) { @k[$kv.0] += 5; $w ^= (uint64)$kv.1; $c = (int64)*$pw; }",
        "for ($kv : @k) { @k[$kv.0] = $kv.1 ^ 3; if ($kv.0 & 1) { continue; } @n++; }",
        "for ($kv : @vk) { @n ^= $kv.1; if ($kv.1 > 3) { delete(@vk, $kv.0); } }",
        "for ($kv : @nk) { @n ^= $kv.1.0 + $kv.0.0; @bumped[strlen($kv.1.1.0)] = count(); }",
        "for ($kv : @rk) { $u += (uint64)$kv.1 * strlen($kv.0.name); }",
      ),
      // With one entry it is not.
      fc
        .tuple(fc.noShrink(fc.nat(1e9)), block, fc.constantFrom("", "break;", "continue;", "return;"), condition)
        .map(
          ([id, b, jump, c]) =>
            `for ($o${id} : @one) { $a ^= $o${id}.1.0; $s = $o${id}.1.1; if (${c}) { ${jump} } ${b} }`,
        ),
      fc
        .tuple(fc.integer({ min: 1, max: 3 }), condition, fc.constantFrom("break", "continue"), block)
        .map(([n, c, jump, b]) => `unroll (${n}) { if (${c}) { ${jump}; } ${b} }`),
      fc
        .tuple(
          fc.noShrink(fc.nat(1e9)),
          fc.integer({ min: 1, max: 4 }),
          block,
          fc.constantFrom("", "if ($a > 5) { break; }", "if ($b < 3) { continue; }"),
        )
        .map(([id, n, b, jump]) => `$i${id} = 0; while ($i${id} < ${n}) { $i${id}++; ${jump} ${b} }`),
      fc
        .tuple(fc.noShrink(fc.nat(1e9)), fc.nat(3), block, condition)
        .map(([id, n, b, c]) => `$j${id} = 0; while (true) { if ($j${id}++ > ${n} || ${c}) { break; } ${b} }`),
    ),
  };
});

/** What stands in front of the blocks. */
const DEFINITIONS = `struct bits { unsigned char x : 3; unsigned char y : 4; unsigned int z : 9; short c; union { unsigned int d; struct { char e; unsigned char f[3]; }; struct { unsigned short g; } inner; }; };
union half { unsigned long long all; int parts[2]; struct { short low; unsigned short high; }; };
enum color { RED = 1, GREEN = 5, BLUE };
let @lru = lruhash(1000);
let @pk = percpuhash(100);
let @plru = percpulruhash(1000);
macro twice(x) { x * 2 }
macro mix($v, n) { let $k = n; $v ^= $k; if ($k > 3) { $v++; } $k + $v }
macro swap($v, $w) { let $k = $v; $v = $w; $w = $k; }
macro both(x) { x ^ x }
macro last(x) { x }
macro either(c, yes, no) { if (c) { yes; } else { no; } }
macro repeated(n, body) { let $k = 0; while ($k < n) { $k++; body; } }
macro bump($v, @m, n) { let $k = n; $v += $k & 7; @m[$k & 3] = count(); }
`;

/** Every map has its type before anything random happens. */
const MAPS = `begin {
  @n = (int64)1; @w = (uint16)2; @k[(int64)1] = (int64)10; @p["a longer string than eight"] = (int64)1; @q[(int64)1, (int64)2] = (int64)3;
  @tt[tid] = (int64)9; delete(@tt, tid); @bool = pid == 0; @str = "a longer string than eight"; @kstr[(int64)1] = comm; @akc[(int64)0] = count();
  @rec = (n=(int64)1, name="a longer string than eight"); @un = (uint64)3; @as = sum((int64)1); @ac = count(); @aavg = avg((int64)4);
  @amin = min((int64)9); @amax[(int64)1] = max((uint64)3); @bf[(int64)0] = buf("hello", 5); @one[(int64)4] = ((int64)7, "a longer string than eight");
  @nk[(int64)0, ("x", (int16)1)] = ((int64)5, ("a longer string than eight", true)); @vk[(int64)1, "a longer string than eight"] = (int64)2;
  @rk[(n=(int64)1, name="a longer string than eight")] = (int64)3; @pk[(int64)1] = sum((int64)1); @plru[(int64)1] = count(); @arr[(int64)1] = (uint8[8])(int64)1;
  @nr = (p=(n=(int64)1, s="<a longer string than eight"), q=pid > 1); @nrk[(p=(n=(int64)1, s="<a longer string than eight"), q=pid > 1)] = (int64)3;
  @named = strerror(2);
}
`;

/** And so has every variable. */
const VARIABLES = `
  $a = (int64)5; $b = (int64)-3; $c = (int64)pid; $u = (uint64)7; $s = "hello"; $t = comm; $v = ((int64)1, "a longer string than eight");
  $f = pid > 1; $rec = (n=(int64)1, name="a longer string than eight"); $arr = (uint8[8])(int64)0x0807060504030201;
  let $w: uint64 = 0x8182838485868788; let $w2: uint64 = 77; $w3 = (int64)4; $pw = &$w; $pn = &@n; $p3 = &$w3; $ps = (struct bits *)&$w;
  $nr = (p=(n=(int64)1, s="<a longer string than eight"), q=pid > 1);`;

/** What stands in front of a block knows none of its variables. */
const predicate: Text = fc.oneof(
  { weight: 3, arbitrary: fc.constant("") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("@n > 0", "@n != @k[1]", "!has_key(@k, 2)", "pid == tid && @w < 100", "@bool"),
  },
  { weight: 1, arbitrary: word.map((text) => `strcontains(@str, ${text}) || comm == ${text}`) },
  { weight: 1, arbitrary: literal.map((number) => `(@un ^ ${number}) > (uint64)@akc[0] || @kstr[1] == @str`) },
);

const block: Text = fc
  .tuple(predicate, fc.array(statement, { minLength: 1, maxLength: 3 }))
  .map(([p, list]) => `begin ${p && `/${p}/ `}{${VARIABLES}\n  ${list.join("\n  ")}\n}\n`);

/** The text of a script. */
export const randomScript: Text = fc
  .array(block, { minLength: 1, maxLength: 9 })
  .map((blocks) => DEFINITIONS + MAPS + blocks.join(""));

/**
 * The script in words that any kernel runs: ranges become plain loops, and what goes through a map or searches a string is
 * replaced by something of the same type.
 */
export function withoutCallbacks(script: string): string {
  return script
    .replace(/for \((\$o\d+) : @one\) \{/g, "unroll (1) { $1 = ((int64)4, @one[4]);")
    .replace(/for \(\$kv : @\w+\) \{(?:[^{}]|\{[^{}]*\})*\}/g, "$b++;")
    .replace(/for \((\$r\d+) : 0\.\.(\d+)\) \{/g, "$1 = (int64)-1; while (++$1 < $2) {")
    .replace(/for \((\$d\d+) : [^.]+\.\.\$e\d+\) \{/g, "unroll (1) { $1 = (int64)2;")
    .replace(/while \(true\) \{/g, "unroll (1) {")
    .replace(/\bunroll \(90\)/g, "unroll (3)")
    .replace(/\blen\(@\w+\)/g, "strlen($s)")
    .replace(/\bstrstr\(/g, "lengths(")
    .replace(/\bstrcontains\(/g, "equal(")
    .replace(MAPS, `${OLD_MACROS}${MAPS}`);
}

const OLD_MACROS = `macro lengths(s, t) { strlen(s) + strlen(t) }
macro equal(s, t) { s == t }
`;
