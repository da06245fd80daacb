package dev.gavel.training.teacher.evidence;

import dev.gavel.training.teacher.evidence.Words.Word;
import java.util.ArrayList;
import java.util.List;

/**
 * Something said about a part of the query.
 *
 * @param start offset of the part's first character in the query, or -1 for what stands alone
 * @param end offset behind its last
 */
record Finding(String text, int start, int end) {
  static Finding of(Word word) {
    return new Finding(word.text(), word.start(), word.end());
  }

  static Finding alone(String text) {
    return new Finding(text, -1, -1);
  }

  /** The texts, where those of neighbours in the query become one: "ray ban". */
  static List<String> texts(List<Finding> findings) {
    List<String> out = new ArrayList<>();
    int end = -1;
    for (Finding finding : findings) {
      boolean joins = !out.isEmpty() && end >= 0 && finding.start() == end + 1;
      if (joins) {
        out.set(out.size() - 1, out.get(out.size() - 1) + " " + finding.text());
      } else {
        out.add(finding.text());
      }
      end = finding.end();
    }
    return out;
  }
}
