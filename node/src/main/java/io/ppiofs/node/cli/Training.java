package io.ppiofs.node.cli;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Home;
import io.ppiofs.node.MountRequest;
import io.ppiofs.node.Node;
import io.ppiofs.node.Unlock;
import io.ppiofs.node.control.ControlClient;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.slf4j.LoggerFactory;

/** What a node does in its first second, done once for its classes. */
final class Training {
    private Training() {}

    static void ofNode(Path directory, Node.ServicesFactory services) {
        Home home = new Home(directory);
        try (Node node = Node.own(home, Node.Life.untilStopped(null), services)) {
            node.serve();
            ask(home, new Request("volume.create").with("name", "training"));
            node.handler()
                    .handle(new Request("fsck").with("volume", "training"), new NodeAccess.Alone((t, d, n) -> {}));
            node.handler().handle(new Request("status"), new NodeAccess.Alone((t, d, n) -> {}));
            mount(home); // last: without FUSE it fails
        } catch (IOException | InterruptedException | PpiofsException e) {
            // an archive with fewer classes is still an archive
            LoggerFactory.getLogger(Training.class).warn("training is incomplete", e);
        }
    }

    /** The files in it are left alone: a process that reads its own mount may wait for itself. */
    private static void mount(Home home) throws IOException {
        Path mountPoint = Files.createTempDirectory("ppiofs-train-");
        try {
            ask(
                    home,
                    new MountRequest("training", mountPoint, false, List.of(), 0, false, false, Unlock.NONE)
                            .toRequest());
            ask(home, new Request("umount").with("dir", mountPoint.toString()).with("force", true));
        } finally {
            Files.delete(mountPoint);
        }
    }

    /** A connection carries one request. */
    private static void ask(Home home, Request request) throws IOException {
        try (ControlClient client = ControlClient.connect(home.socket())) {
            if (client != null) {
                client.call(request);
            }
        }
    }
}
