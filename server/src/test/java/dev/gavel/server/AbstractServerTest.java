package dev.gavel.server;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** A server for each test, in which nothing may be left of its calls. */
abstract class AbstractServerTest {
  Harness harness;

  @BeforeEach
  void start() throws Exception {
    harness = Harness.inProcess();
  }

  @AfterEach
  void stop() throws Exception {
    harness.close();
  }
}
