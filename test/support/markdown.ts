/** The code blocks of the documentation, so that tests can hold them against the software. */

export interface Block {
  /** Of the opening fence, 1-based. */
  readonly line: number;
  /** "" where none is named. */
  readonly language: string;
  /** What else the opening fence says: `run` in "```sh run". */
  readonly mark: string;
  readonly text: string;
}

/** All fenced blocks that begin at the left margin. */
export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*) ?(.*)\n((?:.*\n)*?)```$/gm)].map((match) => {
    const [, language = "", mark = "", text = ""] = match;
    return { line: markdown.slice(0, match.index).split("\n").length, language, mark, text };
  });
}
