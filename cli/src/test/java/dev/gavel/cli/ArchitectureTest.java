package dev.gavel.cli;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows of the house never run back; see {@code docs/code-map.md}. */
@AnalyzeClasses(packages = "dev.gavel", importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String OURS = "dev.gavel..";
  private static final String PROTO = "dev.gavel.v1..";
  private static final String NATIVE = "dev.gavel.engine..";
  private static final String RELEVANCE = "dev.gavel.relevance..";
  private static final String SERVER = "dev.gavel.server..";
  private static final String CLI = "dev.gavel.cli..";
  private static final String GRPC = "io.grpc..";

  @ArchTest
  static final ArchRule everyClassHasARoom =
      classes()
          .that()
          .resideInAPackage(OURS)
          .should()
          .resideInAnyPackage(PROTO, NATIVE, RELEVANCE, SERVER, CLI);

  @ArchTest static final ArchRule protoImportsNothingOfOurs = importsOnly(PROTO, PROTO);

  @ArchTest static final ArchRule nativeImportsNothingOfOurs = importsOnly(NATIVE, NATIVE);

  @ArchTest
  static final ArchRule relevanceImportsNative = importsOnly(RELEVANCE, RELEVANCE, NATIVE);

  @ArchTest
  static final ArchRule serverImportsProtoRelevanceNative =
      importsOnly(SERVER, SERVER, PROTO, RELEVANCE, NATIVE);

  @ArchTest
  static final ArchRule engineAndRelevanceKnowNoGrpc =
      noClasses()
          .that()
          .resideInAnyPackage(NATIVE, RELEVANCE)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(GRPC, "com.google.protobuf..");

  @ArchTest
  static final ArchRule schedulingAndEngineKnowNoGrpc =
      noClasses()
          .that()
          .resideInAnyPackage("dev.gavel.server.scheduling..", "dev.gavel.server.engine..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(GRPC, PROTO, "dev.gavel.server.api..");

  @ArchTest
  static final ArchRule theServersEngineKnowsNoScheduler =
      noClasses()
          .that()
          .resideInAPackage("dev.gavel.server.engine..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.gavel.server.scheduling..")
          .allowEmptyShould(true);

  @ArchTest
  static final ArchRule theServersRoomsHaveNoCycles =
      slices().matching("dev.gavel.server.(*)..").should().beFreeOfCycles().allowEmptyShould(true);

  @ArchTest
  static final ArchRule theTerminalKnowsNoWire =
      noClasses()
          .that()
          .resideInAPackage("dev.gavel.cli.terminal..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(GRPC, PROTO, NATIVE, RELEVANCE, SERVER);

  private static ArchRule importsOnly(String room, String... allowed) {
    return noClasses()
        .that()
        .resideInAPackage(room)
        .should()
        .dependOnClassesThat(resideInAPackage(OURS).and(not(resideInAnyPackage(allowed))))
        .allowEmptyShould(true);
  }
}
