package dev.gavel.cli;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The arrows of the house never run back; see {@code docs/code-map.md}. */
class ArchitectureTest {
  private static final String OURS = "dev.gavel..";
  private static final String PROTO = "dev.gavel.v1..";
  private static final String NATIVE = "dev.gavel.engine..";
  private static final String RELEVANCE = "dev.gavel.relevance..";
  private static final String SERVER = "dev.gavel.server..";
  private static final String TRAINING = "dev.gavel.training..";
  private static final String CLI = "dev.gavel.cli..";
  private static final String[] WIRE = {"io.grpc..", "com.google.protobuf..", PROTO};

  private static JavaClasses house;

  @BeforeAll
  static void read() {
    house =
        new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages("dev.gavel");
  }

  /** A rule about an empty room holds trivially, so no room may be empty. */
  @ParameterizedTest
  @ValueSource(strings = {PROTO, NATIVE, RELEVANCE, SERVER, TRAINING, CLI})
  void everyRoomWasRead(String room) {
    assertTrue(house.stream().anyMatch(resideInAPackage(room)), room);
  }

  @Test
  void everyClassHasARoom() {
    classes()
        .that()
        .resideInAPackage(OURS)
        .should()
        .resideInAnyPackage(PROTO, NATIVE, RELEVANCE, SERVER, TRAINING, CLI)
        .check(house);
  }

  @Test
  void roomsImportOnlyWhatTheyMay() {
    List.of(
            imports(PROTO),
            imports(NATIVE),
            imports(RELEVANCE, NATIVE),
            imports(SERVER, PROTO, RELEVANCE, NATIVE),
            imports(TRAINING, RELEVANCE, NATIVE))
        .forEach(rule -> rule.check(house));
  }

  @Test
  void engineAndRelevanceKnowNoWire() {
    noDependency(WIRE, NATIVE, RELEVANCE).check(house);
  }

  @Test
  void theServersInnerRoomsKnowNoWire() {
    noDependency(
            WIRE,
            "dev.gavel.server.scheduling..",
            "dev.gavel.server.engine..",
            "dev.gavel.server.results..")
        .check(house);
  }

  /** api, then scheduling, then engine; all may count, and counting knows none of them. */
  @Test
  void theServersRoomsAreLayered() {
    String api = "dev.gavel.server.api..";
    String scheduling = "dev.gavel.server.scheduling..";
    String engine = "dev.gavel.server.engine..";
    noDependency(new String[] {api}, scheduling).check(house);
    noDependency(new String[] {api, scheduling}, engine).check(house);
    noDependency(new String[] {api, scheduling, engine}, "dev.gavel.server.observability..")
        .check(house);
    slices().matching("dev.gavel.server.(*)..").should().beFreeOfCycles().check(house);
  }

  @Test
  void theTerminalKnowsNoneOfIt() {
    noDependency(
            new String[] {"io.grpc..", PROTO, NATIVE, RELEVANCE, SERVER},
            "dev.gavel.cli.terminal..")
        .check(house);
  }

  private static ArchRule imports(String room, String... allowed) {
    return noClasses()
        .that()
        .resideInAPackage(room)
        .should()
        .dependOnClassesThat(
            resideInAPackage(OURS)
                .and(not(resideInAPackage(room)))
                .and(not(resideInAnyPackage(allowed))));
  }

  private static ArchRule noDependency(String[] forbidden, String... rooms) {
    return noClasses()
        .that()
        .resideInAnyPackage(rooms)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(forbidden);
  }
}
