package io.ppiofs.node.cli;

import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.Home;
import io.ppiofs.node.Node;
import io.ppiofs.node.control.ControlClient;
import io.ppiofs.node.control.Request;
import java.io.IOException;
import java.nio.file.Path;
import org.slf4j.LoggerFactory;

/** What a node does in its first second, done once for its classes. */
final class Training {
    private Training() {}

    static void ofNode(Path directory, Node.ServicesFactory services) {
        Home home = new Home(directory);
        try (Node node = Node.own(home, Node.Life.untilStopped(null), services)) {
            node.serve();
            try (ControlClient client = ControlClient.connect(home.socket())) {
                if (client != null) {
                    client.call(new Request("volume.create").with("name", "training"));
                }
            }
            node.handler()
                    .handle(new Request("fsck").with("volume", "training"), new NodeAccess.Alone((t, d, n) -> {}));
            node.handler().handle(new Request("status"), new NodeAccess.Alone((t, d, n) -> {}));
        } catch (IOException | InterruptedException | PpiofsException e) {
            // an archive with fewer classes is still an archive
            LoggerFactory.getLogger(Training.class).warn("training is incomplete", e);
        }
    }
}
