// Reads keys and certificates with Java's KeyFactory, EncryptedPrivateKeyInfo, CertificateFactory and KeyStore:
// one line for each "kind:file[:password]", a proof that it was read, or the error.

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.AlgorithmParameters;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateFactory;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.EncryptedPrivateKeyInfo;
import javax.crypto.SecretKeyFactory;
import javax.crypto.spec.PBEKeySpec;

public class Formats {
    static byte[] der(byte[] data) {
        String text = new String(data, StandardCharsets.ISO_8859_1);
        if (!text.startsWith("-----")) {
            return data;
        }
        return Base64.getMimeDecoder().decode(text.replaceAll("-----[^-]*-----", ""));
    }

    static PrivateKey privateKey(byte[] pkcs8) throws Exception {
        try {
            return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        } catch (java.security.spec.InvalidKeySpecException e) {
            return KeyFactory.getInstance("EC").generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
        }
    }

    static PublicKey publicKey(byte[] spki) throws Exception {
        try {
            return KeyFactory.getInstance("RSA").generatePublic(new X509EncodedKeySpec(spki));
        } catch (java.security.spec.InvalidKeySpecException e) {
            return KeyFactory.getInstance("EC").generatePublic(new X509EncodedKeySpec(spki));
        }
    }

    /** A private key is proved by a signature that the public key beside it verifies. */
    static String proof(PrivateKey key, String publicFile) throws Exception {
        String name = key.getAlgorithm().equals("RSA") ? "SHA256withRSA" : "SHA256withECDSA";
        Signature signature = Signature.getInstance(name);
        signature.initSign(key);
        signature.update("message".getBytes(StandardCharsets.UTF_8));
        byte[] signed = signature.sign();
        PublicKey known = publicKey(der(Files.readAllBytes(Path.of(publicFile))));
        signature.initVerify(known);
        signature.update("message".getBytes(StandardCharsets.UTF_8));
        if (!signature.verify(signed)) {
            throw new Exception("another key");
        }
        return Base64.getEncoder().encodeToString(known.getEncoded());
    }

    static String read(String argument) throws Exception {
        String[] parts = argument.split("\\|");
        byte[] data = Files.readAllBytes(Path.of(parts[1]));
        switch (parts[0]) {
            case "certificate":
                PublicKey key = CertificateFactory.getInstance("X.509")
                    .generateCertificate(new ByteArrayInputStream(data)).getPublicKey();
                return Base64.getEncoder().encodeToString(key.getEncoded());
            case "public":
                return Base64.getEncoder().encodeToString(publicKey(der(data)).getEncoded());
            case "private":
                return proof(privateKey(der(data)), parts[2]);
            case "encrypted":
                EncryptedPrivateKeyInfo info = new EncryptedPrivateKeyInfo(der(data));
                AlgorithmParameters parameters = info.getAlgParameters();
                SecretKeyFactory factory = SecretKeyFactory.getInstance(parameters.toString());
                Cipher cipher = Cipher.getInstance(parameters.toString());
                cipher.init(Cipher.DECRYPT_MODE, factory.generateSecret(new PBEKeySpec(parts[3].toCharArray())), parameters);
                return proof(privateKey(info.getKeySpec(cipher).getEncoded()), parts[2]);
            case "pkcs12":
                KeyStore store = KeyStore.getInstance("PKCS12");
                char[] password = parts[3].toCharArray();
                store.load(new ByteArrayInputStream(data), password);
                String alias = store.aliases().nextElement();
                if (store.getCertificateChain(alias).length != 2) {
                    throw new Exception("another chain");
                }
                return proof((PrivateKey) store.getKey(alias, password), parts[2]);
            default:
                throw new Exception("unknown kind " + parts[0]);
        }
    }

    public static void main(String[] arguments) {
        for (String argument : arguments) {
            try {
                System.out.println(read(argument));
            } catch (Exception e) {
                System.out.println("error " + e);
            }
        }
    }
}
