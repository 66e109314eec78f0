package io.ppiofs.blockstore.sealed;

import io.ppiofs.blockstore.BlockRef;
import io.ppiofs.blockstore.BlockStore;
import io.ppiofs.blockstore.BlockStore.StoredBlock;
import io.ppiofs.blockstore.BlockType;
import io.ppiofs.blockstore.Blocks;
import io.ppiofs.blockstore.Cid;
import io.ppiofs.blockstore.ContentKeys;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.LongAdder;

/**
 * The plaintext view over one store and one volume's keys. Writes seal and put; reads fetch, verify and decrypt only
 * the frames they touch. Frames that a read covers wholly go straight to the caller; frames it covers in part, and all
 * frames of tree nodes, are kept in a cache bounded by bytes.
 *
 * <p>Thread-safe. Each thread that calls keeps buffers of about two of the largest blocks it has written: call from few,
 * permanent threads.
 */
public final class SealedBlocks implements Blocks {
    /** Record header, alignment, footer entry and index slot of the segment log. */
    private static final int RECORD_COST = 192;

    private final BlockStore store;
    private final SealedOptions options;
    private final CryptoProvider provider;
    private final FrameCache cache;
    private final ThreadLocal<BlockSealer> sealers;
    private final ThreadLocal<BlockOpener> openers;
    private final LongAdder blocksSealed = new LongAdder();
    private final LongAdder bytesSealed = new LongAdder();
    private final LongAdder bytesStored = new LongAdder();
    private final LongAdder framesOpened = new LongAdder();
    private final LongAdder bytesOpened = new LongAdder();
    private final LongAdder cacheHits = new LongAdder();
    private final LongAdder cacheMisses = new LongAdder();

    /** Does not close {@code store}. */
    public SealedBlocks(BlockStore store, ContentKeys keys, SealedOptions options) {
        this(store, keys, options, CryptoProvider.fastest());
    }

    SealedBlocks(BlockStore store, ContentKeys keys, SealedOptions options, CryptoProvider provider) {
        this.store = store;
        this.options = options;
        this.provider = provider;
        this.cache = new FrameCache(options.cacheBytes());
        this.sealers = ThreadLocal.withInitial(() -> new BlockSealer(keys, provider, options));
        this.openers = ThreadLocal.withInitial(() -> new BlockOpener(provider));
    }

    @Override
    public BlockRef write(BlockType type, ByteBuffer plaintext) {
        int length = plaintext.remaining();
        if (length > options.blockSize()) {
            throw new IllegalArgumentException("block of " + length + " bytes, at most " + options.blockSize());
        }
        BlockSealer.Sealed sealed = sealers.get().seal(type, plaintext);
        int stored = sealed.bytes().remaining();
        store.put(List.of(new StoredBlock(sealed.ref().cid(), sealed.bytes())));
        blocksSealed.increment();
        bytesSealed.add(length);
        bytesStored.add(stored);
        return sealed.ref();
    }

    @Override
    public void read(BlockType type, BlockRef ref, int offset, ByteBuffer dst) {
        int wanted = dst.remaining();
        if (offset < 0 || wanted > ref.length() - offset) {
            throw new IllegalArgumentException(
                    "bytes " + offset + "+" + wanted + " of a block of " + ref.length() + " bytes");
        }
        if (ref.length() > SealedOptions.LARGEST_BLOCK) {
            throw damaged(ref); // a length that no sealer writes must not become an allocation
        }
        int to = offset + wanted;
        int at = offset;
        while (at < to || (wanted == 0 && at == offset && ref.length() == 0)) {
            int index = at >>> StoredForm.FRAME_LOG;
            byte[] frame = cache.frame(type, ref, index);
            if (frame == null || frame.length != StoredForm.frameLength(ref.length(), index)) {
                cacheMisses.increment();
                readFrames(type, ref, at, to, dst);
                return;
            }
            cacheHits.increment();
            int inFrame = at & (StoredForm.FRAME - 1);
            int n = Math.min(to - at, frame.length - inFrame);
            dst.put(frame, inFrame, n);
            if (n == 0) {
                return;
            }
            at += n;
        }
    }

    @Override
    public int readAhead() {
        return store.readAhead();
    }

    @Override
    public void expect(long reader, List<BlockRef> next, boolean anew) {
        store.expect(reader, next.stream().map(BlockRef::cid).toList(), anew);
    }

    /** Reads [at, to) from the store in one piece and opens the frames it touches. */
    private void readFrames(BlockType type, BlockRef ref, int at, int to, ByteBuffer dst) {
        BlockOpener opener = openers.get();
        int first = at >>> StoredForm.FRAME_LOG;
        int last = Math.max(first, (to - 1) >> StoredForm.FRAME_LOG); // >>: to is 0 for an empty block
        BlockLayout layout = cache.layout(type, ref);
        byte[] stored;
        int base;
        if (layout == null && StoredForm.frames(ref.length()) == 1) {
            int most = StoredForm.maxLength(ref.length());
            stored = opener.storedBuffer(most);
            int n = fetch(ref, 0, stored, most);
            layout = checkedLayout(opener, type, ref, stored, n);
            base = 0;
            if (layout.end(0) > n) {
                throw damaged(ref);
            }
        } else {
            if (layout == null) {
                int most = BlockOpener.layoutLength(ref.length());
                stored = opener.storedBuffer(most);
                layout = checkedLayout(opener, type, ref, stored, fetch(ref, 0, stored, most));
                cache.keepLayout(type, ref, layout);
            }
            base = layout.start(first);
            int need = layout.end(last) - base;
            stored = opener.storedBuffer(need);
            if (fetch(ref, base, stored, need) < need) {
                throw damaged(ref);
            }
        }
        opener.begin(ref, layout);
        for (int i = first; i <= last; i++) {
            int frameStart = i << StoredForm.FRAME_LOG;
            int from = Math.max(at, frameStart) - frameStart;
            int until = Math.min(to - frameStart, StoredForm.frameLength(ref.length(), i));
            openFrame(opener, type, ref, layout, i, stored, layout.start(i) - base, from, until, dst);
        }
    }

    private void openFrame(
            BlockOpener opener,
            BlockType type,
            BlockRef ref,
            BlockLayout layout,
            int index,
            byte[] stored,
            int storedOffset,
            int from,
            int until,
            ByteBuffer dst) {
        int length = StoredForm.frameLength(ref.length(), index);
        boolean whole = from == 0 && until == length;
        boolean passing = whole && type == BlockType.DATA;
        boolean straight = passing && dst.hasArray();
        byte[] plain = straight ? dst.array() : passing ? opener.frameBuffer() : new byte[length];
        int plainOffset = straight ? dst.arrayOffset() + dst.position() : 0;
        if (!opener.openFrame(layout, index, stored, storedOffset, plain, plainOffset)) {
            Arrays.fill(plain, plainOffset, plainOffset + length, (byte) 0); // unverified bytes go nowhere
            throw damaged(ref);
        }
        framesOpened.increment();
        bytesOpened.add(length);
        if (straight) {
            dst.position(dst.position() + length);
            return;
        }
        dst.put(plain, from, until - from);
        if (!passing) {
            cache.keepFrame(type, ref, index, plain);
        }
    }

    private int fetch(BlockRef ref, int offset, byte[] into, int length) {
        int n = store.read(ref.cid(), offset, ByteBuffer.wrap(into, 0, length));
        if (n < 0) {
            throw missing(ref);
        }
        return n;
    }

    private BlockLayout checkedLayout(BlockOpener opener, BlockType type, BlockRef ref, byte[] stored, int n) {
        BlockLayout layout = opener.layout(type, ref, stored, n);
        if (layout != null) {
            return layout;
        }
        if (BlockOpener.unknownVersion(ByteBuffer.wrap(stored, 0, n))) {
            // either a flipped bit or a newer writer: the name decides, get() checks it
            if (store.get(List.of(ref.cid())).get(0) != null) {
                throw new PpiofsException(
                        ErrorKind.UNSUPPORTED_FORMAT,
                        "open block",
                        ref.cid().toString(),
                        "it was written by a newer ppiofs, use that one");
            }
        }
        throw damaged(ref);
    }

    private static PpiofsException damaged(BlockRef ref) {
        return new PpiofsException(
                ErrorKind.CORRUPT,
                "open block",
                ref.cid().toString(),
                "its bytes are not what was written; run ppiofs fsck to see which files it belongs to");
    }

    private static PpiofsException missing(BlockRef ref) {
        return new PpiofsException(
                ErrorKind.MISSING_BLOCK,
                "open block",
                ref.cid().toString(),
                "the store does not have it; run ppiofs fsck to see which files it belongs to");
    }

    @Override
    public void sync() {
        store.sync();
    }

    @Override
    public int blockSize() {
        return options.blockSize();
    }

    @Override
    public long storedLength(BlockRef ref) {
        Cid cid = ref.cid();
        long length = store.length(cid);
        if (length < 0) {
            throw missing(ref);
        }
        return length;
    }

    @Override
    public long worstCaseCost(int plaintextLength) {
        int sealed = StoredForm.rawLength(plaintextLength);
        int padded = options.padding() ? StoredForm.padded(sealed, options.blockSize()) : sealed;
        return padded + RECORD_COST;
    }

    /** Drops everything decoded from memory, so that the next read goes to the store (fsck, scrub). */
    public void clearCache() {
        cache.clear();
    }

    /** Who does AES-GCM here: {@code AmazonCorrettoCryptoProvider} or {@code JDK}. */
    public String cryptoProvider() {
        return provider.name();
    }

    public SealStatistics statistics() {
        return new SealStatistics(
                blocksSealed.sum(),
                bytesSealed.sum(),
                bytesStored.sum(),
                framesOpened.sum(),
                bytesOpened.sum(),
                cacheHits.sum(),
                cacheMisses.sum());
    }
}
