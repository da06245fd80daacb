package dev.gavel.server;

import dev.gavel.engine.Engine;
import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.fake.FakeEngine;
import dev.gavel.server.fake.FakeModel;

class FakeScoreContractTest extends AbstractScoreContract {
  @Override
  RelevanceModel openModel() {
    return new FakeModel();
  }

  @Override
  Engine openEngine(RelevanceModel openModel) {
    return new FakeEngine(Harness.ROWS, 8, 64);
  }

  @Override
  double tolerance() {
    return 0;
  }
}
