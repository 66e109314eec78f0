package io.ppiofs.tests.harness;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Network namespaces of one test: a bridge that stands for the Internet, and hosts on it. Names hold the process id, nothing
 * outside of the namespaces is touched, and {@link #close} removes all of it. One thread at a time.
 */
public final class Namespaces implements AutoCloseable {
    private static final AtomicInteger LABS = new AtomicInteger();

    private final String prefix = "pp-" + ProcessHandle.current().pid() + "-" + LABS.incrementAndGet() + "-";
    private final List<String> namespaces = new ArrayList<>();
    private final String internet;
    private final Map<String, String> ports = new HashMap<>();
    private int wires;

    public Namespaces() {
        internet = namespace("net");
        ip(internet, "link add br0 type bridge");
        ip(internet, "link set br0 up");
    }

    /** One more, with nothing but its loopback interface. */
    public String namespace(String name) {
        String full = prefix + name;
        Command.of("ip", "netns", "add", full).ok();
        namespaces.add(full);
        ip(full, "link set lo up");
        return full;
    }

    /** {@code ip WORDS} in a namespace. */
    public static void ip(String namespace, String words) {
        Command.shell("ip -n $1 " + words, namespace).ok();
    }

    /** A wire from the Internet to the interface {@code wan} of a namespace. */
    public void connect(String namespace, String address) {
        String port = "w" + ++wires;
        ip(internet, "link add " + port + " type veth peer name wan netns " + namespace);
        ip(internet, "link set " + port + " master br0 up");
        ip(namespace, "addr add " + address + " dev wan");
        ip(namespace, "link set wan up");
        ports.put(namespace, port);
    }

    /** A host on the Internet. */
    public String host(String name, String address) {
        String host = namespace(name);
        connect(host, address + "/24");
        return host;
    }

    /** Nothing comes or goes any more, and nobody is told. */
    public void cut(String host) {
        ip(internet, "link set " + ports.get(host) + " down");
    }

    /** Ends what {@link #cut} began. */
    public void mend(String host) {
        ip(internet, "link set " + ports.get(host) + " up");
    }

    /** What a command begins with that is to run on a host, with the mounts of this process. */
    public static List<String> on(String host) {
        return List.of("nsenter", "--net=/run/netns/" + host);
    }

    @Override
    public void close() {
        for (String namespace : namespaces) {
            Command.of("ip", "netns", "del", namespace).run();
        }
    }
}
