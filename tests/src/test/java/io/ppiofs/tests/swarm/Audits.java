package io.ppiofs.tests.swarm;

import static org.assertj.core.api.Assertions.assertThat;

import io.ppiofs.tests.harness.Command;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** What tests of audits look at, and a node that loses a tenth of what it has. */
final class Audits {
    private Audits() {}

    /** A number of a JSON object, by its name. */
    static long number(String json, String name) {
        Matcher found = Pattern.compile("\"" + name + "\" ?: ?([0-9]+)").matcher(json);
        assertThat(found.find()).as("%s in %s", name, json).isTrue();
        return Long.parseLong(found.group(1));
    }

    /** The peers of which a slot ended like this. */
    static List<String> peers(Command.Result audited, String result) {
        return Pattern.compile("\"peer\" ?: ?\"([^\"]+)\",\\s*\"result\" ?: ?\"" + result + "\"")
                .matcher(audited.out())
                .results()
                .map(match -> match.group(1))
                .toList();
    }

    static String id(StorageNode node) {
        return node.address().replaceAll(".*/p2p/", "");
    }

    /** One page in ten of every segment of hosted blocks, as a dying disk does; the process goes on. */
    static void damage(StorageNode node) throws IOException {
        try (Stream<Path> files = Files.walk(node.command().home().resolve("hosted/blocks"))) {
            List<Path> segments = files.filter(
                            file -> Files.isRegularFile(file) && file.toString().endsWith(".seg"))
                    .toList();
            assertThat(segments).isNotEmpty();
            for (Path segment : segments) {
                try (RandomAccessFile bytes = new RandomAccessFile(segment.toFile(), "rw")) {
                    for (long at = 8_192; at + 4_096 < bytes.length(); at += 40_960) {
                        bytes.seek(at);
                        bytes.write(new byte[4_096]);
                    }
                }
            }
        }
    }
}
