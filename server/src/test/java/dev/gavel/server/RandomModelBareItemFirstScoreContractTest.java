package dev.gavel.server;

import java.nio.file.Files;
import org.junit.jupiter.api.BeforeAll;

/** The same with a prompt that begins with the item: all items of a call share no token. */
class RandomModelBareItemFirstScoreContractTest extends RandomModelScoreContractTest {
  @BeforeAll
  static void leaveNothingBeforeTheItem() throws Exception {
    Files.writeString(
        directory.resolve("gavel.json"),
        """
        {"prompt": {"chat": false, "user": "{item}\\n{query}"}}
        """);
  }
}
