package io.ppiofs.tests.tools;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import io.ppiofs.tests.harness.OnMount;
import io.ppiofs.tests.harness.Tools;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SqliteTest extends OnMount {
    private static final int ROWS = 150;

    @BeforeAll
    void needed() {
        Tools.require("sqlite3");
    }

    @ParameterizedTest(name = "two processes write at once in journal mode {0} and lose nothing")
    @ValueSource(strings = {"delete", "truncate", "persist", "memory", "wal", "off"})
    void two_processes_write_at_once(String mode) {
        Path database = directory("sqlite-" + mode).resolve("test.db");
        sql(
                database,
                "pragma journal_mode=" + mode
                        + "; create table t(who integer, n integer, payload blob, primary key(who, n));"
                        + "create index i on t(payload);");
        try (Command.Running one = writer(database, mode, 1);
                Command.Running two = writer(database, mode, 2)) {
            one.await(java.time.Duration.ofMinutes(2)).orFail();
            two.await(java.time.Duration.ofMinutes(2)).orFail();
        }
        assertContent(database);
        sql(database, "pragma wal_checkpoint(truncate); vacuum;");
        assertSurvivesRemount(database.getParent());
        assertContent(database);
    }

    private static Command.Running writer(Path database, String mode, int who) {
        StringBuilder script = new StringBuilder(".timeout 60000\npragma journal_mode=" + mode + ";\n");
        for (int n = 0; n < ROWS; n++) {
            script.append("begin immediate; insert into t values(")
                    .append(who + "," + n + ",randomblob(" + (n % 9) * 300 + ")); commit;\n");
        }
        return Command.of("sqlite3", "-bail", database).input(script.toString()).start();
    }

    private static void assertContent(Path database) {
        assertThat(sql(database, "pragma integrity_check; select who, count(*), sum(n) from t group by who;"))
                .isEqualTo("ok\n1|" + ROWS + "|" + ROWS * (ROWS - 1) / 2 + "\n2|" + ROWS + "|" + ROWS * (ROWS - 1) / 2
                        + "\n");
    }

    private static String sql(Path database, String statements) {
        return Command.of("sqlite3", "-bail", "-cmd", ".timeout 60000", database, statements)
                .ok()
                .out();
    }
}
