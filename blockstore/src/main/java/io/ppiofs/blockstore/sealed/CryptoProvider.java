package io.ppiofs.blockstore.sealed;

import com.amazon.corretto.crypto.provider.AmazonCorrettoCryptoProvider;
import java.security.GeneralSecurityException;
import java.security.Provider;
import javax.crypto.Cipher;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Who does AES-GCM: Amazon Corretto Crypto Provider where its native library loads (12–20 GB/s), else the JDK. The
 * provider is used by instance and never registered with the JVM.
 */
public final class CryptoProvider {
    private static final Logger LOG = LoggerFactory.getLogger(CryptoProvider.class);
    private static final String TRANSFORMATION = "AES/GCM/NoPadding";

    private final @Nullable Provider provider;

    private CryptoProvider(@Nullable Provider provider) {
        this.provider = provider;
    }

    /** The native library where it loads, else the JDK. */
    public static CryptoProvider fastest() {
        try {
            AmazonCorrettoCryptoProvider accp = AmazonCorrettoCryptoProvider.INSTANCE;
            Throwable unusable = accp.getLoadingError();
            if (unusable == null) {
                CryptoProvider fast = new CryptoProvider(accp);
                fast.cipher();
                return fast;
            }
            LOG.info("AES-GCM runs on the JDK: the native crypto library does not load here ({})", unusable.toString());
        } catch (LinkageError | GeneralSecurityException e) {
            LOG.info("AES-GCM runs on the JDK: the native crypto library does not load here ({})", e.toString());
        } catch (SecurityException e) {
            // Oracle's own JDK wants providers signed; the launcher's copy is not
            LOG.info("AES-GCM runs on the JDK: it does not accept another provider ({})", e.toString());
        }
        return jdk();
    }

    static CryptoProvider jdk() {
        return new CryptoProvider(null);
    }

    /** A new AES/GCM/NoPadding cipher; one thread at a time. */
    public Cipher cipher() throws GeneralSecurityException {
        return provider == null ? Cipher.getInstance(TRANSFORMATION) : Cipher.getInstance(TRANSFORMATION, provider);
    }

    String name() {
        return provider == null ? "JDK" : provider.getName();
    }
}
