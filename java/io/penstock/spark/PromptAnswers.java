package io.penstock.spark;

import java.net.SocketException;
import py4j.DefaultGatewayServerListener;
import py4j.GatewayServer;
import py4j.Py4JServerConnection;

/**
 * Lets Java answer Python at once. A batch is an answer of several segments, and a connection as py4j makes it sends the
 * last of them only when the others have been acknowledged, which the other side puts off for 40 ms.
 */
public final class PromptAnswers extends DefaultGatewayServerListener {

    private static PromptAnswers listening;

    private PromptAnswers() {}

    /** Begins, for connections that are made from now on: one for each thread of Python that calls. */
    public static synchronized void by(GatewayServer server) {
        if (listening == null) {
            listening = new PromptAnswers();
            server.addListener(listening);
        }
    }

    @Override
    public void connectionStarted(Py4JServerConnection connection) {
        try {
            connection.getSocket().setTcpNoDelay(true);
        } catch (SocketException e) {
            // It was closed already; whoever uses it is told.
        }
    }
}
