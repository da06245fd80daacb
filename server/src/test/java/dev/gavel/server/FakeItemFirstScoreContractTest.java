package dev.gavel.server;

import dev.gavel.relevance.RelevanceModel;
import dev.gavel.server.fake.FakeModel;

/** The same with the item before the query. */
class FakeItemFirstScoreContractTest extends FakeScoreContractTest {
  @Override
  RelevanceModel openModel() {
    return FakeModel.itemFirst();
  }
}
