/**
 * Many small questions as few large ones. What is asked within one turn of the event loop, or while earlier rounds are under way, is asked together:
 * a journey to Postgres wakes two processes, and that costs more than most answers.
 *
 * A question never joins a round that has begun, so an answer is as fresh as if it had been asked for alone: it shows what was on disk when it was
 * asked, or later (whoever was removed before is not let in, M1). A round that fails is asked again question by question: one that cannot be
 * answered takes no other with it.
 */
export interface Rounds {
  /** Questions of one round. */
  most?: number;
  /** Rounds under way at the same time. */
  atOnce?: number;
}

interface Waiting<Question, Answer> {
  question: Question;
  resolve: (answer: Answer) => void;
  reject: (why: unknown) => void;
}

/** `ask` answers all questions, in their order. */
export function gathered<Question, Answer>(
  ask: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  { most = 500, atOnce = 2 }: Rounds = {},
): (question: Question) => Promise<Answer> {
  let waiting: Waiting<Question, Answer>[] = [];
  let underWay = 0;
  let isDue = false;

  const beginSoon = (): void => {
    if (isDue || waiting.length === 0 || underWay >= atOnce) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      const round = waiting.slice(0, most);
      waiting = waiting.slice(most);
      underWay += 1;
      void answer(ask, round).then(() => {
        underWay -= 1;
        beginSoon();
      });
      beginSoon();
    });
  };

  return (question) =>
    new Promise((resolve, reject) => {
      waiting.push({ question, resolve, reject });
      beginSoon();
    });
}

/** Never rejects: whoever asked is told. */
async function answer<Question, Answer>(
  ask: (questions: readonly Question[]) => Promise<readonly Answer[]>,
  round: readonly Waiting<Question, Answer>[],
): Promise<void> {
  try {
    const answers = await ask(round.map(({ question }) => question));
    if (answers.length !== round.length) throw new Error('not every question was answered');
    answers.forEach((each, index) => round[index]?.resolve(each));
  } catch (why) {
    if (round.length === 1) round[0]?.reject(why);
    else await Promise.all(round.map((each) => answer(ask, [each])));
  }
}
