package io.ppiofs.node.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(30)
class ControlTest {
    @TempDir
    Path directory;

    private ControlServer server;

    @AfterEach
    void stop() throws IOException {
        if (server != null) {
            server.close();
        }
    }

    private Path start(Duration patience) {
        Path socket = directory.resolve("s");
        server = ControlServer.start(socket, ControlTest::answer, patience);
        return socket;
    }

    private static Map<String, Object> answer(Request request, Handler.Asker asker) {
        switch (request.operation()) {
            case "echo" -> {
                String text = request.text("text");
                asker.report("working", 1, 3);
                asker.tell(Map.of("note", "between"));
                Map<String, Object> answer = new LinkedHashMap<>();
                answer.put("text", text);
                return answer;
            }
            case "full" -> throw new PpiofsException(ErrorKind.NO_SPACE, "write", "/a: b", "the disk is full");
            default -> throw new IllegalStateException("defect");
        }
    }

    private static Map<?, ?> call(Path socket, Request request) throws IOException {
        try (ControlClient client = ControlClient.connect(socket)) {
            return client.call(request);
        }
    }

    /** Sends raw bytes and reads the one answer. */
    private static String raw(Path socket, String text) throws IOException {
        try (SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            channel.connect(UnixDomainSocketAddress.of(socket));
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            ByteBuffer in = ByteBuffer.allocate(4096);
            while (channel.read(in) > 0 && in.get(in.position() - 1) != '\n') {
                continue;
            }
            return new String(in.array(), 0, in.position(), StandardCharsets.UTF_8);
        }
    }

    @Test
    void anAnswerFollowsProgressAndMessages() throws IOException {
        Path socket = start(Duration.ofSeconds(10));
        List<String> heard = new ArrayList<>();
        try (ControlClient client = ControlClient.connect(socket)) {
            Map<?, ?> facts = client.call(
                    new Request("echo").with("text", "grün \u0000 \n \""),
                    (task, done, total) -> heard.add(task + done + "/" + total),
                    message -> heard.add(message.toString()));
            assertThat(facts.get("text")).isEqualTo("grün \u0000 \n \"");
        }
        assertThat(heard).containsExactly("working1/3", "{note=between}");
    }

    @Test
    void anExceptionTravelsWithKindAndWords() throws IOException {
        Path socket = start(Duration.ofSeconds(10));
        assertThatThrownBy(() -> call(socket, new Request("full")))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.NO_SPACE))
                .hasMessage("write /a: b: the disk is full");
    }

    @Test
    void aDefectIsInternalAndTheServerGoesOn() throws IOException {
        Path socket = start(Duration.ofSeconds(10));
        assertThatThrownBy(() -> call(socket, new Request("crash")))
                .isInstanceOfSatisfying(
                        PpiofsException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INTERNAL));
        assertThat(call(socket, new Request("echo").with("text", "still there")).get("text"))
                .isEqualTo("still there");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\n",
                "nonsense\n",
                "[]\n",
                "{\"v\":1}\n",
                "{\"v\":1,\"op\":5}\n",
                "{\"v\":1,\"op\":\"echo\"} more\n",
                "{\"v\":1,\"op\":\"echo\"\n",
                "{\"v\":1,\"op\":\"echo\",\"text\":5}\n",
                "{\"v\":1,\"op\":\"echo\",\"text\":\"a\",\"n\":99999999999999999999999}\n",
            })
    void whatIsNoRequestIsRefusedAsInvalid(String line) throws IOException {
        assertThat(raw(start(Duration.ofSeconds(10)), line)).contains("\"INVALID\"");
    }

    @Test
    void anotherVersionIsRefused() throws IOException {
        assertThat(raw(start(Duration.ofSeconds(10)), "{\"v\":2,\"op\":\"echo\"}\n"))
                .contains("UNSUPPORTED_FORMAT", "version 2");
    }

    @Test
    void nestingIsBounded() throws IOException {
        String deep = "{\"v\":1,\"op\":\"echo\",\"text\":" + "[".repeat(500) + "]".repeat(500) + "}\n";
        assertThat(raw(start(Duration.ofSeconds(10)), deep)).contains("\"INVALID\"");
    }

    @Test
    void aLineOverTheBoundIsRefusedBeforeItsEnd() throws IOException {
        assertThat(raw(start(Duration.ofSeconds(10)), "x".repeat(Wire.MAX_REQUEST + 1)))
                .contains("TOO_BIG");
    }

    @Test
    void whoSaysNothingIsCutOff() throws IOException {
        Path socket = start(Duration.ofMillis(50));
        assertThat(raw(socket, "{")).isEmpty();
        assertThat(call(socket, new Request("echo").with("text", "x")).get("text"))
                .isEqualTo("x");
    }

    @Test
    void moreClientsThanConnectionsWaitTheirTurn() throws IOException {
        Path socket = start(Duration.ofMillis(200));
        List<SocketChannel> silent = new ArrayList<>();
        try {
            for (int i = 0; i < ControlServer.MAX_CONNECTIONS; i++) {
                SocketChannel channel = SocketChannel.open(StandardProtocolFamily.UNIX);
                channel.connect(UnixDomainSocketAddress.of(socket));
                silent.add(channel);
            }
            assertThat(call(socket, new Request("echo").with("text", "late")).get("text"))
                    .isEqualTo("late");
        } finally {
            for (SocketChannel channel : silent) {
                channel.close();
            }
        }
    }

    @Test
    void theSocketIsTheOwnersAlone() throws IOException {
        Path socket = start(Duration.ofSeconds(10));
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
                .isEqualTo("rw-------");
    }

    @Test
    void noSocketOrADeadOneIsNoNode() throws IOException {
        assertThat(ControlClient.connect(directory.resolve("none"))).isNull();
        Path socket = start(Duration.ofSeconds(10));
        server.close();
        assertThat(ControlClient.connect(socket)).isNull();
    }
}
