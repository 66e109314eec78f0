package io.ppiofs.node.cli;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.node.doctor.Doctor;
import io.ppiofs.node.doctor.Finding;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "doctor",
        header = "check this machine; says what to do",
        description = "Checks Java, FUSE, encryption, home, configuration and limits; each line says what to do. "
                + "Exit code 69 if a mount would fail.")
final class DoctorCommand implements Callable<Integer> {
    private final Main main;

    @Mixin
    private final JsonOption json = new JsonOption();

    DoctorCommand(Main main) {
        this.main = main;
    }

    @Override
    public Integer call() {
        List<Finding> findings = new Doctor(main.home()).examine();
        boolean healthy = findings.stream().noneMatch(f -> f.level() == Finding.Level.FAIL);
        Map<String, @Nullable Object> facts = new LinkedHashMap<>();
        facts.put("healthy", healthy);
        List<Object> list = new ArrayList<>();
        for (Finding finding : findings) {
            Map<String, @Nullable Object> line = new LinkedHashMap<>();
            line.put("check", finding.check());
            line.put("level", name(finding));
            line.put("detail", finding.detail());
            list.add(line);
        }
        facts.put("findings", list);
        json.print(main.surroundings(), facts, () -> {
            Table table = new Table("", "CHECK", "FINDING");
            findings.forEach(f -> table.row(name(f), f.check(), f.detail()));
            table.print(main.surroundings().out());
        });
        return healthy ? 0 : ErrorKind.NOT_SUPPORTED.exitCode();
    }

    private static String name(Finding finding) {
        return finding.level().name().toLowerCase(Locale.ROOT);
    }
}
