package io.ppiofs.node.cli;

import java.io.IOException;

/** Tells systemd that a service of Type=notify is ready, through its own tool: Java has no datagram Unix sockets. */
final class Notification {
    private Notification() {}

    static void ready(Surroundings surroundings) {
        if (!surroundings.environment().containsKey("NOTIFY_SOCKET")) {
            return;
        }
        try {
            new ProcessBuilder("systemd-notify", "--ready").inheritIO().start();
        } catch (IOException e) {
            surroundings.err().println("ppiofs: systemd-notify does not start: " + e.getMessage());
        }
    }
}
