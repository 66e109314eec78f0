package io.ppiofs.node;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.node.capacity.CapacityOperations;
import io.ppiofs.node.control.Handler;
import io.ppiofs.node.control.Progress;
import io.ppiofs.node.control.Request;
import io.ppiofs.node.deals.DealService;
import io.ppiofs.node.network.IdentityFile;
import io.ppiofs.node.network.NetworkService;
import io.ppiofs.node.sectors.SectorOperations;
import io.ppiofs.node.storage.DrainOperations;
import io.ppiofs.node.storage.GrantOperations;
import io.ppiofs.node.storage.StorageService;
import io.ppiofs.overlay.multiaddr.Multiaddr;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a node does for who asks: one method per operation of the control protocol. Thread-safe. */
final class Operations implements Handler {
    private static final Logger LOG = LoggerFactory.getLogger(Operations.class);

    private final Node node;
    private final NetworkOperations network;
    private final GrantOperations grants;
    private final SectorOperations sectors;
    private final CapacityOperations capacities;
    private final DrainOperations drains;
    private final CustodyOperations custodies;
    private final VerifierOperations verifiers;
    private final AuditOperations audits;

    Operations(Node node) {
        this.node = node;
        this.network = new NetworkOperations(node);
        this.grants = new GrantOperations(
                node.home().hostedDirectory(),
                this::storage,
                () -> IdentityFile.loadOrCreate(node.home().identityFile()).peerId(),
                this::addresses);
        this.audits = new AuditOperations(node);
        this.custodies = new CustodyOperations(node);
        this.verifiers = new VerifierOperations(node);
        this.capacities = new CapacityOperations(
                () -> {
                    StorageService lent = storage();
                    return lent == null ? null : lent.idle();
                },
                () -> {
                    NetworkService joined = node.network();
                    return joined == null ? null : joined.capacity();
                });
        this.drains = new DrainOperations(this::storage);
        this.sectors = new SectorOperations(node.sectors(), () -> {
            StorageService lent = storage();
            return lent == null ? null : lent.storage();
        });
    }

    private @Nullable StorageService storage() {
        NetworkService joined = node.network();
        return joined == null ? null : joined.storage();
    }

    @Override
    public Map<String, @Nullable Object> handle(Request request, Asker asker) {
        return switch (request.operation()) {
            case "ping" -> ping();
            case "mount" -> mount(request, asker);
            case "umount" -> unmount(request);
            case "handover" -> handOver(request);
            case "status" -> node.facts().status();
            case "volume.create" -> createVolume(request);
            case "volume.list" -> listVolumes();
            case "volume.info" -> volumeInfo(request);
            case "volume.share" -> share(request);
            case "volume.custodian" -> custodies.name(request);
            case "custody.add", "custody.list", "custody.remove" -> custodies.handle(request);
            case "verifier.add", "verifier.list", "verifier.remove" -> verifiers.handle(request);
            case "volume.import" -> importVolume(request);
            case "volume.place" -> place(request);
            case "volume.sync" -> syncVolume(request, asker);
            case "id" -> network.id();
            case "peers" -> network.peers();
            case "peer.ping" -> network.ping(request);
            case "peer.find" -> network.find(request);
            case "network.create" -> network.create(request);
            case "network.join" -> network.join(request);
            case "network.list" -> network.list();
            case "network.members" -> network.members(request);
            case "fsck" -> fsck(request, asker);
            case "audit" -> audits.audit(request, asker);
            case "fetch" -> fetch(request, asker);
            case "scrub" -> scrub(request, asker);
            case "gc" -> gc(asker);
            case "sectors.list",
                    "sectors.groups",
                    "sectors.seal",
                    "sectors.unseal",
                    "sectors.inspect",
                    "sectors.recover",
                    "sectors.remove",
                    "prove" -> sectors.handle(request, asker);
            case "capacity.fill", "capacity.list", "capacity.release", "capacity.challenge" ->
                capacities.handle(request, asker);
            case "node.drain" -> drains.handle(request, asker);
            case "grant.add", "grant.list", "grant.invite", "grant.revoke", "grant.open" -> grants.handle(request);
            default ->
                throw new PpiofsException(
                        ErrorKind.NOT_SUPPORTED, "node", request.operation(), "is nothing this node can do");
        };
    }

    private Map<String, @Nullable Object> fetch(Request request, Asker asker) {
        NetworkService joined = node.network();
        DealService deals = joined == null ? null : joined.deals();
        if (deals == null) {
            throw new PpiofsException(
                    ErrorKind.NOT_CONNECTED,
                    "fetch",
                    "network",
                    "this node is in no network; 'ppiofs node --listen /ip4/0.0.0.0/tcp/4001' joins one");
        }
        AtomicBoolean gone = new AtomicBoolean();
        asker.onGone(() -> gone.set(true));
        return deals.fetch(request, asker, gone::get);
    }

    private List<Multiaddr> addresses() {
        NetworkService joined = node.network();
        return joined == null
                ? List.of()
                : joined.listenAddresses().stream().map(Multiaddr::parse).toList();
    }

    private Map<String, @Nullable Object> ping() {
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("pid", ProcessHandle.current().pid());
        answer.put("home", node.home().toString());
        return answer;
    }

    private Map<String, @Nullable Object> mount(Request request, Asker asker) {
        MountRequest mount = MountRequest.of(request);
        Mounts.Live live = node.mount(mount);
        Map<String, @Nullable Object> answer = StatusFacts.mount(live);
        answer.put("pid", ProcessHandle.current().pid());
        if (mount.attached()) {
            asker.onGone(() -> unmountForGone(live));
            asker.tell(Map.of("mounted", answer));
            Mounts.await(live);
        }
        return answer;
    }

    private void unmountForGone(Mounts.Live live) {
        try {
            node.mounts().unmount(live.directory(), true);
        } catch (PpiofsException e) {
            LOG.warn("the command that mounted {} is gone, and so is the mount: {}", live.directory(), e.getMessage());
        }
    }

    private Map<String, @Nullable Object> unmount(Request request) {
        Path directory = Path.of(request.text("dir"));
        node.mounts().unmount(directory, request.flag("force"));
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("dir", directory.toString());
        answer.put("ending", node.isEnding());
        return answer;
    }

    /** What comes then is said on the socket that the request names. */
    private Map<String, @Nullable Object> handOver(Request request) {
        Long protocol = request.numberOrNull("protocol");
        if (protocol == null || protocol != Handover.PROTOCOL) {
            throw new PpiofsException(
                    ErrorKind.UNSUPPORTED_FORMAT,
                    "take over",
                    "protocol " + protocol,
                    "the running version speaks " + Handover.PROTOCOL + "; unmount and mount again instead");
        }
        node.handOver(Path.of(request.text("socket")));
        return ping();
    }

    private Map<String, @Nullable Object> createVolume(Request request) {
        Long blockSize = request.numberOrNull("blockSize");
        if (blockSize != null && (blockSize < 1 || blockSize > Integer.MAX_VALUE)) {
            throw new PpiofsException(ErrorKind.INVALID, "volume", "block size", "must be from 64 KiB to 4 MiB");
        }
        NewVolume order = new NewVolume(
                request.text("name"),
                MountRequest.unlockOf(request),
                blockSize == null ? null : blockSize.intValue(),
                !request.flag("noDedup"),
                !request.flag("noPadding"),
                request.textOrNull("scheme"));
        return StatusFacts.volume(node.services().createVolume(order));
    }

    private Map<String, @Nullable Object> listVolumes() {
        List<Object> list = new ArrayList<>();
        node.services().volumes().forEach(v -> list.add(StatusFacts.volume(v)));
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("volumes", list);
        return answer;
    }

    private Map<String, @Nullable Object> volumeInfo(Request request) {
        String name = request.text("name");
        return node.facts().volumeInfo(node.services().volume(name));
    }

    private Map<String, @Nullable Object> share(Request request) {
        String name = node.services().volume(request.text("name")).name();
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("name", name);
        answer.put("capability", node.services().share(name, MountRequest.unlockOf(request), request.text("right")));
        return answer;
    }

    private Map<String, @Nullable Object> importVolume(Request request) {
        return StatusFacts.volume(
                node.services().importVolume(request.text("capability"), MountRequest.unlockOf(request)));
    }

    private Map<String, @Nullable Object> place(Request request) {
        String name = node.services().volume(request.text("name")).name();
        boolean begun = node.services()
                .place(name, MountRequest.unlockOf(request), request.textOrNull("scheme"), request.textOrNull("seal"));
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("name", name);
        answer.put("scheme", node.services().volume(name).scheme());
        answer.put("seal", node.services().volume(name).seal());
        answer.put("begun", begun);
        return answer;
    }

    private Map<String, @Nullable Object> syncVolume(Request request, Progress progress) {
        String name = node.services().volume(request.text("name")).name();
        OpenVolume volume = node.mounts().acquire(name, MountRequest.unlockOf(request));
        try {
            volume.publish(progress);
            Map<String, @Nullable Object> answer = new LinkedHashMap<>();
            answer.put("name", name);
            answer.putAll(volume.facts().more());
            return answer;
        } finally {
            node.mounts().release(name);
        }
    }

    private Map<String, @Nullable Object> fsck(Request request, Progress progress) {
        String name = node.services().volume(request.text("volume")).name();
        OpenVolume volume = node.mounts().acquire(name, MountRequest.unlockOf(request));
        try {
            FsckReport report = volume.fsck(progress);
            Map<String, @Nullable Object> answer = new LinkedHashMap<>();
            answer.put("volume", name);
            answer.put("sound", report.problems() == 0);
            answer.put("problems", report.problems());
            answer.put("files", report.files());
            answer.put("directories", report.directories());
            answer.put("blocks", report.blocks());
            answer.put("bytes", report.bytes());
            answer.put("findings", lines(report.findings()));
            return answer;
        } finally {
            node.mounts().release(name);
        }
    }

    private static List<Object> lines(List<FsckReport.Finding> findings) {
        List<Object> lines = new ArrayList<>();
        for (FsckReport.Finding finding : findings) {
            Map<String, @Nullable Object> line = new LinkedHashMap<>();
            line.put("subject", finding.subject());
            line.put("problem", finding.problem());
            lines.add(line);
        }
        return lines;
    }

    /** May take hours: it ends with the command that asked. */
    private Map<String, @Nullable Object> scrub(Request request, Asker asker) {
        Long rate = request.numberOrNull("rate");
        if (rate == null || rate < 0) {
            throw new PpiofsException(ErrorKind.INVALID, "scrub", "rate", "must be bytes per second, 0 for no limit");
        }
        AtomicBoolean gone = new AtomicBoolean();
        asker.onGone(() -> gone.set(true));
        ScrubFindings found = node.services().scrub(rate, asker, gone::get);
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("sound", found.problems() == 0);
        answer.put("problems", found.problems());
        answer.put("blocks", found.blocks());
        answer.put("bytes", found.bytes());
        answer.put("findings", lines(found.findings()));
        return answer;
    }

    private Map<String, @Nullable Object> gc(Progress progress) {
        GcReport report = node.services().gc(progress);
        Map<String, @Nullable Object> answer = new LinkedHashMap<>();
        answer.put("liveBlocks", report.liveBlocks());
        answer.put("deletedBlocks", report.deletedBlocks());
        answer.put("freedBytes", report.freedBytes());
        return answer;
    }
}
