package io.ppiofs.tests.architecture;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaField;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import com.tngtech.archunit.library.GeneralCodingRules;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** blockstore ← overlay, proofs, fs ← node. */
@Tag("quick")
class RoomsTest {
    private static final String BLOCKSTORE = "io.ppiofs.blockstore..";
    private static final String ERROR = "io.ppiofs.error..";
    private static final String NETWORK = "io.ppiofs.network..";
    private static final String CBOR = "io.ppiofs.cbor..";
    private static final String BASE32 = "io.ppiofs.base32..";
    private static final String FILE = "io.ppiofs.file..";
    private static final String OVERLAY = "io.ppiofs.overlay..";
    private static final String PROOFS = "io.ppiofs.proofs..";
    private static final String FS = "io.ppiofs.fs..";
    private static final String NODE = "io.ppiofs.node..";

    private static final JavaClasses PRODUCT = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .withImportOption(location -> !location.contains("/io/ppiofs/tests/") && !location.contains("-tests.jar"))
            .importPackages("io.ppiofs");

    @Test
    void all_rooms_are_on_the_class_path_of_this_test() {
        for (String room : new String[] {"blockstore", "overlay", "proofs", "fs", "node"}) {
            assertThat(PRODUCT.containPackage("io.ppiofs." + room)).as(room).isTrue();
        }
    }

    @Test
    void blockstore_knows_no_other_room() {
        noClasses()
                .that()
                .resideInAnyPackage(BLOCKSTORE, ERROR, NETWORK, CBOR, BASE32, FILE)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(OVERLAY, PROOFS, FS, NODE)
                .check(PRODUCT);
    }

    @Test
    void the_filesystem_sees_the_block_store_only_and_never_the_network() {
        noClasses()
                .that()
                .resideInAPackage(FS)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(OVERLAY, PROOFS, NODE)
                .check(PRODUCT);
    }

    @Test
    void network_and_proofs_see_the_block_store_only() {
        noClasses()
                .that()
                .resideInAPackage(OVERLAY)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(PROOFS, FS, NODE)
                .allowEmptyShould(true)
                .check(PRODUCT);
        noClasses()
                .that()
                .resideInAPackage(PROOFS)
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(OVERLAY, FS, NODE)
                .allowEmptyShould(true)
                .check(PRODUCT);
    }

    @Test
    void the_posix_core_knows_no_fuse_type() {
        noClasses()
                .that()
                .resideInAPackage(FS)
                .and()
                .resideOutsideOfPackage("io.ppiofs.fs.fuse..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.ppiofs.fs.fuse..", "jnr..", "ru.serce..", "com.kenai..")
                .check(PRODUCT);
    }

    @Test
    void only_the_fuse_driver_and_the_node_that_chooses_it_know_it() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.ppiofs.fs.fuse..", NODE, "io.ppiofs.bench..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.ppiofs.fs.fuse..")
                .check(PRODUCT);
    }

    @Test
    void every_package_says_what_it_is_and_is_null_marked() {
        Set<String> described = new TreeSet<>();
        Set<String> packages = new TreeSet<>();
        for (JavaClass type : PRODUCT) {
            if (type.getSimpleName().equals("package-info")) {
                if (type.isAnnotatedWith(NullMarked.class)) {
                    described.add(type.getPackageName());
                }
            } else {
                packages.add(type.getPackageName());
            }
        }
        packages.removeAll(described);
        packages.remove("io.ppiofs.overlay.wire"); // made by protoc
        assertThat(packages).as("packages without @NullMarked package-info").isEmpty();
    }

    @Test
    void nobody_uses_java_util_Date_or_Calendar() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.Date")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.Calendar")
                .check(PRODUCT);
    }

    @Test
    void only_the_command_line_writes_to_the_terminal() {
        noClasses()
                .that()
                .resideOutsideOfPackages("io.ppiofs.node.cli..", "io.ppiofs.bench..")
                .should(GeneralCodingRules.ACCESS_STANDARD_STREAMS)
                .check(PRODUCT);
    }

    @Test
    void nobody_keeps_mutable_static_state() {
        classes().should(haveNoMutableStatics()).check(PRODUCT);
    }

    private static ArchCondition<JavaClass> haveNoMutableStatics() {
        DescribedPredicate<JavaField> mutable = DescribedPredicate.describe(
                "static and not final",
                field -> field.getModifiers().contains(JavaModifier.STATIC)
                        && !field.getModifiers().contains(JavaModifier.FINAL)
                        && !field.getModifiers().contains(JavaModifier.SYNTHETIC));
        return new ArchCondition<>("have no mutable static field") {
            @Override
            public void check(JavaClass type, ConditionEvents events) {
                for (JavaField field : type.getFields()) {
                    if (mutable.test(field)) {
                        events.add(SimpleConditionEvent.violated(
                                field, field.getFullName() + " is " + mutable.getDescription()));
                    }
                }
            }
        };
    }

    @Test
    void no_class_is_called_Utils() {
        noClasses()
                .should()
                .haveSimpleNameEndingWith("Utils")
                .orShould()
                .haveSimpleNameEndingWith("Util")
                .orShould()
                .haveSimpleNameEndingWith("Helper")
                .check(PRODUCT);
    }
}
