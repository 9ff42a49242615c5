// A TLS 1.3 peer over Java's JSSE; scripts/interop.py says what it is given and what it prints.

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.Security;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Peer {
    private static final char[] PASSWORD = "in memory".toCharArray();

    public static void main(String[] arguments) throws Exception {
        String role = arguments[0], steps = arguments[6];
        int port = Integer.parseInt(arguments[1]);
        boolean auth = arguments[5].equals("1");
        if (steps.contains("u")) {
            // The only way to have it replace its keys: after so many octets.
            Security.setProperty("jdk.tls.keyLimits", "AES/GCM/NoPadding KeyUpdate 2^11");
        }
        boolean shows = role.equals("server") || auth;
        SSLContext context = context(arguments[2], arguments[3], arguments[4], shows);
        if (role.equals("server")) {
            serve(context, port, auth, steps);
            return;
        }
        for (int count = 0; count < steps.chars().filter(step -> step == 'c').count(); count++) {
            connect(context, port, steps);
        }
    }

    private static void serve(SSLContext context, int port, boolean auth, String steps) throws Exception {
        SSLServerSocket listener = (SSLServerSocket)
                context.getServerSocketFactory().createServerSocket(port, 16, InetAddress.getByName("127.0.0.1"));
        listener.setEnabledProtocols(new String[] {"TLSv1.3"});
        listener.setNeedClientAuth(auth);
        System.out.println("ready");
        while (true) {
            SSLSocket socket = (SSLSocket) listener.accept();
            new Thread(() -> answer(socket, steps)).start();
        }
    }

    private static void answer(SSLSocket socket, String steps) {
        try (socket) {
            BufferedReader lines = reader(socket);
            // The first answer is long where the keys are to be replaced.
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                write(socket, line + "\n");
                if (steps.contains("u")) {
                    write(socket, "x".repeat(8000) + "\n");
                }
            }
            report(socket);
        } catch (IOException error) {
            System.out.println("error " + error);
        }
    }

    private static void connect(SSLContext context, int port, String steps) throws Exception {
        try (SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket("localhost", port)) {
            socket.setEnabledProtocols(new String[] {"TLSv1.3"});
            var parameters = socket.getSSLParameters();
            parameters.setEndpointIdentificationAlgorithm("HTTPS");
            socket.setSSLParameters(parameters);
            BufferedReader lines = reader(socket);
            for (int count = 0; count < 2; count++) {
                if (steps.contains("u")) {
                    write(socket, "x".repeat(8000) + "\n");
                    lines.readLine();
                }
                write(socket, "hello\n");
                System.out.println("got " + lines.readLine());
            }
            report(socket);
        }
    }

    private static void report(SSLSocket socket) {
        int certificates = 0;
        try {
            certificates = socket.getSession().getPeerCertificates().length;
        } catch (SSLPeerUnverifiedException anonymous) {
            // A client without a certificate.
        }
        // JSSE does not say whether a session was resumed; the other side does.
        System.out.println("done certificates=" + certificates + " suite=" + socket.getSession().getCipherSuite());
    }

    private static BufferedReader reader(SSLSocket socket) throws IOException {
        return new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
    }

    private static void write(SSLSocket socket, String text) throws IOException {
        OutputStream out = socket.getOutputStream();
        out.write(text.getBytes(StandardCharsets.UTF_8));
        out.flush();
    }

    private static SSLContext context(String cert, String key, String ca, boolean shows) throws Exception {
        CertificateFactory certificates = CertificateFactory.getInstance("X.509");
        KeyStore trust = KeyStore.getInstance(KeyStore.getDefaultType());
        trust.load(null, PASSWORD);
        trust.setCertificateEntry("ca", certificates.generateCertificate(Files.newInputStream(Path.of(ca))));
        TrustManagerFactory trusted = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trusted.init(trust);
        KeyStore own = KeyStore.getInstance(KeyStore.getDefaultType());
        own.load(null, PASSWORD);
        if (shows) {
            Certificate[] chain = certificates
                    .generateCertificates(new ByteArrayInputStream(Files.readAllBytes(Path.of(cert))))
                    .toArray(new Certificate[0]);
            own.setKeyEntry("own", privateKey(key, chain[0].getPublicKey().getAlgorithm()), PASSWORD, chain);
        }
        KeyManagerFactory owned = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        owned.init(own, PASSWORD);
        SSLContext context = SSLContext.getInstance("TLSv1.3");
        context.init(owned.getKeyManagers(), trusted.getTrustManagers(), null);
        return context;
    }

    private static PrivateKey privateKey(String path, String algorithm) throws Exception {
        String body = Files.readString(Path.of(path)).replaceAll("-----[A-Z ]+-----", "").replaceAll("\\s", "");
        return KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(Base64.getDecoder().decode(body)));
    }
}
