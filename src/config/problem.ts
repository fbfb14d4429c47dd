/** Where a value was assigned; line 0: not in a file (a default, or a value the start forces). */
export interface Origin {
  readonly file: string;
  readonly line: number;
}

/** Something an administrator must correct (error) or may want to look at (warning). */
export interface Problem {
  readonly file: string;
  /** 0: the whole file or directory. */
  readonly line: number;
  readonly setting?: string;
  readonly message: string;
  /** What the setting may be, e.g. `a whole number from 1`. */
  readonly allowed?: string;
}

/** `file:line: SETTING: what is wrong; allowed: what would be right` */
export function formatProblem(problem: Problem): string {
  const place = problem.line > 0 ? `${problem.file}:${problem.line}` : problem.file;
  const setting = problem.setting === undefined ? '' : `${problem.setting}: `;
  const allowed = problem.allowed === undefined ? '' : `; allowed: ${problem.allowed}`;
  return `${place}: ${setting}${problem.message}${allowed}`;
}
