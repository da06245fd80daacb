package dev.gavel.training.comparison;

import java.util.Comparator;
import java.util.List;

/**
 * Pairs whose label is another one under the model.
 *
 * @param counts [labels][labels] pairs by the base's label and the model's
 * @param better of the changed, those whose label came nearer to the judged one
 * @param worse those whose label went away from it
 * @param changed all of them, in the order of the data
 * @param regressions pairs by how much of the judged label's probability was lost, the worst first
 * @param gains the other end, the best first
 */
public record Changes(
    long[][] counts,
    long better,
    long worse,
    List<Change> changed,
    List<Change> regressions,
    List<Change> gains) {

  /**
   * A pair and its labels.
   *
   * @param base index of the base's label
   * @param model index of the model's label
   */
  public record Change(Pair pair, int base, int model) {
    /** Above 0 the model is nearer to the judged label, by as many labels. */
    int nearer() {
      return Math.abs(base - pair.truth()) - Math.abs(model - pair.truth());
    }
  }

  public Changes {
    changed = List.copyOf(changed);
    regressions = List.copyOf(regressions);
    gains = List.copyOf(gains);
  }

  /**
   * Finds them.
   *
   * @param listed how many regressions and gains at most
   */
  static Changes of(List<Pair> pairs, Rules rules, int labels, int listed) {
    List<Change> all =
        pairs.stream().map(pair -> new Change(pair, rules.base(pair), rules.model(pair))).toList();
    long[][] counts = new long[labels][labels];
    all.forEach(each -> counts[each.base()][each.model()]++);
    List<Change> changed = all.stream().filter(each -> each.base() != each.model()).toList();
    Comparator<Change> byLoss = Comparator.comparingDouble(each -> each.pair().loss());
    return new Changes(
        counts,
        changed.stream().filter(each -> each.nearer() > 0).count(),
        changed.stream().filter(each -> each.nearer() < 0).count(),
        changed,
        all.stream()
            .filter(each -> each.pair().loss() > 0)
            .sorted(byLoss.reversed())
            .limit(listed)
            .toList(),
        all.stream().filter(each -> each.pair().loss() < 0).sorted(byLoss).limit(listed).toList());
  }
}
