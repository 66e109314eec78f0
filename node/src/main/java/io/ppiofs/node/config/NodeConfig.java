package io.ppiofs.node.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.dataformat.toml.TomlMapper;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.network.NetworkOrder;
import io.ppiofs.overlay.identity.PeerId;
import io.ppiofs.overlay.storage.WriterLease;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The checked content of {@code config.toml}. Immutable. */
public final class NodeConfig {
    /** Largest configuration file that is read, bytes. */
    private static final long MAX_FILE = 1 << 20;

    private static final Pattern DURATION = Pattern.compile("([0-9]{1,6})([smhd])");

    private static final Set<String> LEVELS = Set.of("error", "warn", "info", "debug", "trace");

    public static final ConfigKey<String> LOG_LEVEL = new ConfigKey<>(
            "log.level", "info", "least serious message in the log: error, warn, info, debug, trace", text -> {
                String level = text.toLowerCase(Locale.ROOT);
                return require(LEVELS.contains(level), level, "one of error, warn, info, debug, trace");
            });

    public static final ConfigKey<ByteSize> LOG_FILE_SIZE = new ConfigKey<>(
            "log.file-size",
            ByteSize.ofMebibytes(16),
            "size at which the log file is rotated and compressed",
            between(ByteSize.ofMebibytes(1), ByteSize.ofMebibytes(1024)));

    public static final ConfigKey<Integer> LOG_FILES =
            new ConfigKey<>("log.files", 4, "rotated log files that are kept", between(1, 20));

    public static final ConfigKey<Boolean> METRICS_ENABLED =
            new ConfigKey<>("metrics.enabled", true, "serve Prometheus metrics on a loopback port", NodeConfig::bool);

    public static final ConfigKey<Integer> METRICS_PORT = new ConfigKey<>(
            "metrics.port", 0, "port of the metrics; 0 lets the system choose, see 'ppiofs status'", between(0, 65535));

    public static final ConfigKey<Integer> MOUNT_THREADS = new ConfigKey<>(
            "mount.threads",
            0,
            "FUSE worker threads per mount; 0 chooses by the number of processors",
            between(0, 256));

    public static final ConfigKey<String> MOUNT_DRIVER = new ConfigKey<>(
            "mount.driver",
            "auto",
            "how mounts speak to the kernel: kernel (its own protocol), jnr (libfuse 2.9), or auto: kernel where that"
                    + " works",
            text -> require(Set.of("auto", "kernel", "jnr").contains(text), text, "auto, kernel or jnr"));

    public static final ConfigKey<ByteSize> STORE_CAPACITY = new ConfigKey<>(
            "store.capacity",
            new ByteSize(Long.MAX_VALUE),
            "most bytes that blocks may take on the disk; default: all of it",
            text -> {
                ByteSize n = ByteSize.parse(text);
                return require(n.bytes() >= 64 << 20, n, "a size of at least 64 MiB");
            });

    public static final ConfigKey<ByteSize> CACHE_BLOCKS = new ConfigKey<>(
            "cache.blocks",
            ByteSize.ofMebibytes(32),
            "memory for decoded file data, per open volume",
            between(new ByteSize(0), ByteSize.ofMebibytes(4096)));

    public static final ConfigKey<List<String>> NETWORK_LISTEN = new ConfigKey<>(
            "network.listen",
            List.of(),
            "multiaddrs to listen on, separated by spaces; the node joins a network if this or network.bootstrap is"
                    + " set",
            NodeConfig::words);

    public static final ConfigKey<List<String>> NETWORK_BOOTSTRAP = new ConfigKey<>(
            "network.bootstrap",
            List.of(),
            "multiaddrs with /p2p/… of peers to begin with, separated by spaces",
            NodeConfig::words);

    public static final ConfigKey<String> NETWORK_NAME = new ConfigKey<>(
            "network.name", "", "name or id of the network to join; default: the public one", text -> text);

    public static final ConfigKey<Boolean> NETWORK_SUPER = new ConfigKey<>(
            "network.super", false, "be a super peer: relay and discovery for others", NodeConfig::bool);

    public static final ConfigKey<List<String>> NETWORK_RENDEZVOUS = new ConfigKey<>(
            "network.rendezvous",
            List.of(),
            "multiaddrs with /p2p/… of peers of libp2p's public DHT, through which members of the network meet",
            NodeConfig::words);

    public static final ConfigKey<List<String>> NETWORK_REGION = new ConfigKey<>(
            "network.region",
            List.of(),
            "labels of where this node is, from wide to narrow; blocks are asked for at peers that share the most of them first",
            NodeConfig::words);

    public static final ConfigKey<Duration> SWARM_REPLACE_AFTER = new ConfigKey<>(
            "swarm.replace-after",
            Duration.ofMinutes(15),
            "silence after which the writer of a volume gives a peer's copies to another",
            text -> duration(text, Duration.ofSeconds(5)));

    public static final ConfigKey<Duration> SWARM_WRITER_LEASE = new ConfigKey<>(
            "swarm.writer-lease",
            Duration.ofSeconds(30),
            "how long a machine that writes a volume and is not heard of any more keeps others from it",
            text -> between(duration(text, Duration.ofSeconds(3)), WriterLease.LONGEST));

    public static final ConfigKey<ByteSize> SWARM_CACHE = new ConfigKey<>(
            "swarm.cache",
            new ByteSize(Long.MAX_VALUE),
            "most bytes of a volume on the swarm that stay in the local store, as far as peers have their copies",
            text -> {
                ByteSize n = ByteSize.parse(text);
                return require(n.bytes() >= 16 << 20, n, "a size of at least 16 MiB");
            });

    public static final ConfigKey<Duration> AUDIT_EVERY = new ConfigKey<>(
            "audit.every",
            Duration.ofHours(1),
            "time in which each slot of the volumes that this node writes is audited once; never",
            text -> "never".equals(text) ? Duration.ZERO : duration(text, Duration.ofSeconds(1)));

    public static final ConfigKey<Boolean> DEALS_VERIFY = new ConfigKey<>(
            "deals.verify", false, "be a verifier: keep keys for paid downloads of others", NodeConfig::bool);

    public static final ConfigKey<List<String>> DEALS_VERIFIERS = new ConfigKey<>(
            "deals.verifiers",
            List.of(),
            "peer ids of the verifiers through which this node sells hosted blocks, separated by spaces; none: it does not sell",
            text -> words(text).stream().map(NodeConfig::peer).toList());

    /** Every key, in the order of the documentation. */
    public static final List<ConfigKey<?>> KEYS = List.of(
            LOG_LEVEL,
            LOG_FILE_SIZE,
            LOG_FILES,
            METRICS_ENABLED,
            METRICS_PORT,
            MOUNT_THREADS,
            MOUNT_DRIVER,
            STORE_CAPACITY,
            CACHE_BLOCKS,
            NETWORK_LISTEN,
            NETWORK_BOOTSTRAP,
            NETWORK_NAME,
            NETWORK_SUPER,
            NETWORK_RENDEZVOUS,
            NETWORK_REGION,
            SWARM_REPLACE_AFTER,
            SWARM_WRITER_LEASE,
            SWARM_CACHE,
            AUDIT_EVERY,
            DEALS_VERIFY,
            DEALS_VERIFIERS);

    private final Map<String, Object> values;

    private NodeConfig(Map<String, Object> values) {
        this.values = values;
    }

    public static NodeConfig defaults() {
        return new NodeConfig(Map.of());
    }

    /**
     * Reads the file; none means defaults.
     *
     * @throws PpiofsException CONFIG with one sentence
     */
    public static NodeConfig read(Path file) {
        if (!Files.exists(file)) {
            return defaults();
        }
        try {
            if (Files.size(file) > MAX_FILE) {
                throw unusable(file, "is larger than 1 MiB", null);
            }
            Map<String, String> flat = new LinkedHashMap<>();
            flatten(file, "", new TomlMapper().readTree(Files.readString(file)), flat);
            return new NodeConfig(check(file, flat));
        } catch (JsonProcessingException e) {
            int line = e.getLocation() == null ? 0 : e.getLocation().getLineNr();
            throw unusable(file, "is not valid TOML at line " + line + ": " + e.getOriginalMessage(), e);
        } catch (IOException e) {
            throw unusable(file, "cannot be read (" + e.getMessage() + ")", e);
        }
    }

    private static void flatten(Path file, String prefix, JsonNode node, Map<String, String> flat) {
        for (Map.Entry<String, JsonNode> e : node.properties()) {
            String name = prefix + e.getKey();
            if (e.getValue().isObject()) {
                flatten(file, name + ".", e.getValue(), flat);
            } else if (e.getValue().isValueNode()) {
                flat.put(name, e.getValue().asText());
            } else {
                throw unusable(file, "key '" + name + "' must not be a list", null);
            }
        }
    }

    private static Map<String, Object> check(Path file, Map<String, String> flat) {
        Map<String, Object> values = new LinkedHashMap<>();
        for (Map.Entry<String, String> e : flat.entrySet()) {
            ConfigKey<?> key = KEYS.stream()
                    .filter(k -> k.name().equals(e.getKey()))
                    .findFirst()
                    .orElseThrow(() -> unusable(
                            file,
                            "has the unknown key '" + e.getKey() + "'; known are "
                                    + KEYS.stream().map(ConfigKey::name).collect(Collectors.joining(", ")),
                            null));
            try {
                values.put(key.name(), key.parser().apply(e.getValue()));
            } catch (IllegalArgumentException x) {
                throw unusable(
                        file, "key '" + e.getKey() + "' is '" + e.getValue() + "', expected " + x.getMessage(), x);
            }
        }
        return values;
    }

    private static PpiofsException unusable(Path file, String what, @Nullable Throwable cause) {
        return new PpiofsException(ErrorKind.CONFIG, "config", file.toString(), what, cause);
    }

    /** The value in the file, or the default. */
    @SuppressWarnings("unchecked") // the parser of the same key made the value
    public <T> T get(ConfigKey<T> key) {
        Object value = values.get(key.name());
        return value == null ? key.defaultValue() : (T) value;
    }

    /** How to take part in a network; null if the file names neither an address nor a peer nor a network. */
    public @Nullable NetworkOrder network() {
        List<String> listen = get(NETWORK_LISTEN);
        List<String> bootstrap = get(NETWORK_BOOTSTRAP);
        String name = get(NETWORK_NAME);
        List<String> rendezvous = get(NETWORK_RENDEZVOUS);
        if (listen.isEmpty() && bootstrap.isEmpty() && name.isEmpty() && rendezvous.isEmpty()) {
            return null;
        }
        return new NetworkOrder(listen, bootstrap, name.isEmpty() ? null : name, get(NETWORK_SUPER), null, rendezvous);
    }

    private static List<String> words(String text) {
        String trimmed = text.strip();
        return trimmed.isEmpty() ? List.of() : List.of(trimmed.split("\\s+"));
    }

    private static String peer(String text) {
        try {
            return PeerId.parse(text).toString();
        } catch (PpiofsException e) {
            throw new IllegalArgumentException("peer ids like 12D3KooW…", e);
        }
    }

    /** As in {@code 90s}, {@code 30m}, {@code 24h}, {@code 7d}. @throws IllegalArgumentException with what would be right */
    public static Duration duration(String text, Duration least) {
        Matcher form = DURATION.matcher(text);
        String right = "a duration like 90s, 30m, 24h or 7d, at least " + least.toSeconds() + "s";
        require(form.matches(), text, right);
        long unit = switch (form.group(2)) {
            case "s" -> 1;
            case "m" -> 60;
            case "h" -> 3_600;
            default -> 86_400;
        };
        Duration duration = Duration.ofSeconds(Long.parseLong(form.group(1)) * unit);
        return require(duration.compareTo(least) >= 0, duration, right);
    }

    private static Duration between(Duration given, Duration most) {
        return require(given.compareTo(most) <= 0, given, "a duration of at most " + most.toSeconds() + "s");
    }

    private static Boolean bool(String text) {
        return require("true".equals(text) || "false".equals(text), "true".equals(text), "true or false");
    }

    private static Function<String, Integer> between(int low, int high) {
        return text -> {
            String right = "a whole number from " + low + " to " + high;
            require(text.matches("[0-9]{1,9}"), text, right);
            int n = Integer.parseInt(text);
            return require(n >= low && n <= high, n, right);
        };
    }

    private static Function<String, ByteSize> between(ByteSize low, ByteSize high) {
        return text -> {
            ByteSize n = ByteSize.parse(text);
            return require(
                    n.bytes() >= low.bytes() && n.bytes() <= high.bytes(), n, "a size from " + low + " to " + high);
        };
    }

    private static <T> T require(boolean right, T value, String expected) {
        if (!right) {
            throw new IllegalArgumentException(expected);
        }
        return value;
    }
}
