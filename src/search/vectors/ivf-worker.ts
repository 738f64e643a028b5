import type { ListQuestion } from './list-question.ts';
import { type ListSearchData, openListSearch } from './list-search.ts';
import { serve } from './serve.ts';

serve<ListSearchData>({
  name: ({ layout }) => layout.path,
  *open(data) {
    const lists = yield* openListSearch(data);
    return {
      answer: (question: ListQuestion) => lists.answer(question),
      close: () => lists.close(),
    };
  },
});
