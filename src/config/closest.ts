/**
 * The one of some names that is most like a mistyped one.
 * @returns undefined if none is within two changes (a letter added, left out, replaced, or two swapped)
 */
export function closest(mistyped: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.min(2, Math.floor(mistyped.length / 3)) + 1;
  for (const name of names) {
    const changes = distance(mistyped.toUpperCase(), name.toUpperCase());
    if (changes < least) {
      least = changes;
      best = name;
    }
  }
  return best;
}

function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + cost);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) next[j] = Math.min(next[j], before[j - 2]! + 1);
    }
    before = row;
    row = next;
  }
  return row[b.length]!;
}
