import type { Metadata, ServerInterceptor } from '@grpc/grpc-js';
import { ServerInterceptingCall, ServerListenerBuilder, status } from '@grpc/grpc-js';
import type { AuthenticationRefusal, RequestGuard } from '../model/authentication.ts';

/**
 * Asks a guard about every call of a server, health and reflection included, as the Collector does. Nothing of a message is
 * read before it has answered: grpc-js begins to read once the metadata has passed.
 */
export function createAuthInterceptor(guard: RequestGuard): ServerInterceptor {
  return (_method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        const listener = new ServerListenerBuilder().withOnReceiveMetadata((metadata, pass) => {
          const decide = (refusal: AuthenticationRefusal | undefined): void => {
            if (refusal === undefined) {
              pass(metadata);
              return;
            }
            const code = refusal.retryAfterMs === undefined ? status.UNAUTHENTICATED : status.UNAVAILABLE;
            call.sendStatus({ code, details: refusal.message });
          };
          const refusal = guard.check((name) => headerOf(metadata, name));
          if (refusal instanceof Promise) {
            // A guard that fails lets nobody in.
            refusal.then(decide, () => decide({ message: 'the credential could not be checked' }));
          } else decide(refusal);
        });
        next(listener.build());
      },
    });
}

/** The first value, as the Collector takes it. */
function headerOf(metadata: Metadata, name: string): string | undefined {
  const value = metadata.get(name)[0];
  return value === undefined ? undefined : String(value);
}
