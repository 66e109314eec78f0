package io.ppiofs.proofs.verify;

import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.syntax.ArchRuleDefinition;
import org.junit.jupiter.api.Test;

class VerifierRulesTest {
    @Test
    void a_verifier_sees_hashes_and_bytes_and_no_file_or_store() {
        ArchRuleDefinition.noClasses()
                .that()
                .resideInAnyPackage("io.ppiofs.proofs.verify..", "io.ppiofs.proofs.lpoc")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "java.nio.file..",
                        "java.nio.channels..",
                        "java.net..",
                        "io.ppiofs.file..",
                        "io.ppiofs.blockstore..",
                        "io.ppiofs.proofs.porep..",
                        "io.ppiofs.proofs.sector..",
                        "io.ppiofs.proofs.work..")
                .check(new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("io.ppiofs.proofs"));
    }

    @Test
    void a_deal_sees_hashes_ciphers_and_bytes_and_no_clock_file_or_store() {
        ArchRuleDefinition.noClasses()
                .that()
                .resideInAPackage("io.ppiofs.proofs.pod..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "java.nio.channels..",
                        "java.net..",
                        "io.ppiofs.file..",
                        "io.ppiofs.blockstore..",
                        "io.ppiofs.proofs.porep..",
                        "io.ppiofs.proofs.sector..")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .check(new ClassFileImporter()
                        .withImportOption(new ImportOption.DoNotIncludeTests())
                        .importPackages("io.ppiofs.proofs"));
    }
}
